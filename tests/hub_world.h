/* A fake hub that runs beside a test, with repositories and a cache of its own. */
#ifndef C2_TESTS_HUB_WORLD_H
#define C2_TESTS_HUB_WORLD_H

#include "program.h"

#include <ftw.h>
#include <signal.h>

#include "base/platform.h"
#include "base/sha.h"
#include "hub/hub.h"

#define COMMIT_A "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define COMMIT_B "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"

typedef struct hub_world {
  char *root;            /* of the fake hub; holds the cache, too */
  char hub[64], cdn[64]; /* the addresses */
  char cache[256];       /* HF_HUB_CACHE */
  int input;             /* the hub ends when this is closed */
  pid_t process;
} hub_world;

static inline int hub_remove_one(const char *path, const struct stat *info, int kind, struct FTW *where) {
  (void)info;
  (void)kind;
  (void)where;
  return remove(path);
}

static inline void hub_remove(const char *folder) {
  assert_int_equal(nftw(folder, hub_remove_one, 16, FTW_DEPTH | FTW_PHYS), 0);
}

/* A path below the world's root, formatted; the caller's to free. */
C2_PRINTF(2, 3)
static inline char *hub_path(const hub_world *w, const char *format, ...) {
  char name[1024];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(name, sizeof name, format, args);
  va_end(args);
  return program_path(w->root, name);
}

/* Writes a file below the root, with the folders that lead to it. */
static inline void hub_put(const hub_world *w, const char *name, const void *bytes, size_t size) {
  char *path = hub_path(w, "%s", name);
  char *slash = strrchr(path, '/');
  *slash = '\0';
  assert_int_equal(c2_make_folder(path, NULL), C2_OK);
  *slash = '/';
  program_write_file(path, bytes, size);
  free(path);
}

static inline void hub_put_text(const hub_world *w, const char *name, const char *text) {
  hub_put(w, name, text, strlen(text));
}

static inline void hub_faults(const hub_world *w, const char *lines) {
  hub_put_text(w, "faults", lines);
}

/* What was asked for so far; the caller's to free. */
static inline char *hub_log(const hub_world *w) {
  char *path = hub_path(w, "log");
  char *text = program_read_file(path);
  free(path);
  return text ? text : strdup("");
}

/* Number of lines of the log that contain both parts. */
static inline size_t hub_asked(const hub_world *w, const char *part, const char *other) {
  char *text = hub_log(w);
  char *rest = NULL;
  size_t count = 0;
  for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
    count += strstr(line, part) && strstr(line, other);
  }
  free(text);
  return count;
}

static inline void hub_forget(const hub_world *w) {
  hub_put_text(w, "log", "");
}

/* An empty cache and an empty log. */
static inline void hub_clear(const hub_world *w) {
  struct stat info;
  if (stat(w->cache, &info) == 0) hub_remove(w->cache);
  hub_forget(w);
}

/* Bytes that don't repeat; the caller's to free. */
static inline char *hub_bytes(size_t size, unsigned seed) {
  char *bytes = malloc(size + 1);
  assert_non_null(bytes);
  uint64_t state = seed + 1;
  for (size_t i = 0; i < size; i++) {
    state = state * 6364136223846793005u + 1442695040888963407u;
    bytes[i] = (char)(state >> 56);
  }
  return bytes;
}

static inline void hub_start(hub_world *w) {
  int in[2];
  int out[2];
  char line[160] = "";
  *w = (hub_world){.root = program_make_folder()};
  (void)snprintf(w->cache, sizeof w->cache, "%s/cache", w->root);
  assert_int_equal(pipe(in) | pipe(out), 0);
  for (int i = 0; i < 2; i++) {
    (void)fcntl(in[i], F_SETFD, FD_CLOEXEC);
    (void)fcntl(out[i], F_SETFD, FD_CLOEXEC);
  }
  (void)fflush(NULL);
  w->process = fork();
  assert_true(w->process >= 0);
  if (w->process == 0) {
    const char *const argv[] = {BINARY_DIR "/fake_hub", w->root, NULL};
    program_become(argv, in[0], out[1], 2);
  }
  close(in[0]);
  close(out[1]);
  w->input = in[1];
  FILE *said = fdopen(out[0], "r");
  assert_non_null(said);
  if (!fgets(line, sizeof line, said)) fail_msg("the fake hub does not start");
  assert_int_equal(sscanf(line, "%63s %63s", w->hub, w->cdn), 2);
  (void)fclose(said);
}

static inline void hub_stop(hub_world *w) {
  close(w->input);
  while (waitpid(w->process, NULL, 0) < 0) assert_int_equal(errno, EINTR);
  hub_remove(w->root);
  free(w->root);
}

/* The environment of a program that is run: this hub, this cache, no token. */
static inline void hub_environment(const hub_world *w) {
  static const char *const unset[] = {"HF_TOKEN",   "HF_HUB_OFFLINE", "HF_HUB_DISABLE_IMPLICIT_TOKEN",
                                      "http_proxy", "HTTP_PROXY",     "all_proxy",
                                      "ALL_PROXY",  "HF_TOKEN_PATH",  "TRANSFORMERS_OFFLINE"};
  for (size_t i = 0; i < sizeof unset / sizeof unset[0]; i++) (void)unsetenv(unset[i]);
  assert_int_equal(setenv("HF_ENDPOINT", w->hub, 1), 0);
  assert_int_equal(setenv("HF_HUB_CACHE", w->cache, 1), 0);
  assert_int_equal(setenv("HF_HOME", w->root, 1), 0);
}

static hub_world world; /* of the test */

/* Group fixtures of cmocka. */
static inline int hub_world_start(void **state) {
  (void)state;
  hub_start(&world);
  return 0;
}

static inline int hub_world_stop(void **state) {
  (void)state;
  hub_stop(&world);
  return 0;
}

#endif

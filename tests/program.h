/* Runs the built program (or any other) from a test: arguments in, status and both outputs back.
 * No shell is involved. Every function asserts that the system itself does its part. */
#ifndef C2_TESTS_PROGRAM_H
#define C2_TESTS_PROGRAM_H

/* cmocka.h needs these four before it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

/* The program under test. */
#define PROGRAM_PATH BINARY_DIR "/chronos2"

/* Result of one run. out and err end in a zero beyond their size. Free with program_free. */
typedef struct program_result {
  int status; /* exit status; 128 + signal if it was killed */
  char *out, *err;
  size_t out_size, err_size;
} program_result;

static inline void program_free(program_result *result) {
  free(result->out);
  free(result->err);
  memset(result, 0, sizeof *result);
}

typedef struct program_pipe {
  int descriptor; /* our end; -1 when closed */
  char *data;
  size_t size, capacity;
} program_pipe;

static inline void program_drain(program_pipe *pipe_end) {
  if (pipe_end->capacity - pipe_end->size < 65536) {
    pipe_end->capacity = 2 * pipe_end->capacity + 65536;
    pipe_end->data = realloc(pipe_end->data, pipe_end->capacity + 1);
    assert_non_null(pipe_end->data);
  }
  ssize_t got = read(pipe_end->descriptor, pipe_end->data + pipe_end->size, pipe_end->capacity - pipe_end->size);
  if (got > 0) pipe_end->size += (size_t)got;
  if (got == 0 || (got < 0 && errno != EINTR && errno != EAGAIN)) {
    close(pipe_end->descriptor);
    pipe_end->descriptor = -1;
  }
  pipe_end->data[pipe_end->size] = '\0';
}

/* In the child: only calls that are safe between fork and exec. */
static inline void program_become(const char *const *argv, int in, int out, int err) {
  if (dup2(in, 0) < 0 || dup2(out, 1) < 0 || dup2(err, 2) < 0) _exit(126);
  execv(argv[0], (char *const *)(uintptr_t)argv);
  _exit(127);
}

/* Starts argv without input, and with its output thrown away. */
static inline pid_t program_start(const char *const *argv) {
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  assert_true(null >= 0);
  (void)fflush(NULL);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) program_become(argv, null, null, null);
  close(null);
  return child;
}

/* Runs argv (argv[0] is the path, NULL ends it) with the file `input` as standard input (NULL: empty). */
static inline program_result program_run(const char *const *argv, const char *input) {
  int in = open(input ? input : "/dev/null", O_RDONLY | O_CLOEXEC);
  int out_pipe[2];
  int err_pipe[2];
  assert_true(in >= 0);
  assert_int_equal(pipe(out_pipe), 0);
  assert_int_equal(pipe(err_pipe), 0);
  for (int i = 0; i < 2; i++) {
    (void)fcntl(out_pipe[i], F_SETFD, FD_CLOEXEC);
    (void)fcntl(err_pipe[i], F_SETFD, FD_CLOEXEC);
  }
  (void)fflush(NULL);
  pid_t child = fork();
  assert_true(child >= 0);
  if (child == 0) program_become(argv, in, out_pipe[1], err_pipe[1]);
  close(in);
  close(out_pipe[1]);
  close(err_pipe[1]);
  program_pipe ends[2] = {{.descriptor = out_pipe[0]}, {.descriptor = err_pipe[0]}};
  for (size_t i = 0; i < 2; i++) {
    ends[i].data = calloc(1, 1);
    assert_non_null(ends[i].data);
  }
  while (ends[0].descriptor >= 0 || ends[1].descriptor >= 0) {
    struct pollfd ready[2] = {{ends[0].descriptor, POLLIN, 0}, {ends[1].descriptor, POLLIN, 0}};
    if (poll(ready, 2, -1) < 0) continue;
    for (size_t i = 0; i < 2; i++) {
      if (ready[i].revents) program_drain(&ends[i]);
    }
  }
  int state = 0;
  while (waitpid(child, &state, 0) < 0) assert_int_equal(errno, EINTR);
  int status = WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
  return (program_result){status, ends[0].data, ends[1].data, ends[0].size, ends[1].size};
}

/* Runs the program under test with these arguments: PROGRAM_RUN("forecast", path, "--horizon", "4"). */
#define PROGRAM_RUN(...) program_run((const char *const[]){PROGRAM_PATH, __VA_ARGS__, NULL}, NULL)

/* The same, but an option with a value ("--horizon", "4") that comes again replaces the one before: a macro's own. */
static inline program_result program_run_last(const char *const *argv) {
  const char *kept[64] = {NULL};
  size_t count = 0;
  for (size_t i = 0; argv[i]; i++) {
    bool again = false;
    for (size_t k = i + 1; strncmp(argv[i], "--", 2) == 0 && argv[k]; k++) {
      again = again || strcmp(argv[i], argv[k]) == 0;
    }
    assert_true(count + 1 < sizeof kept / sizeof kept[0]);
    if (again) {
      i++;
    } else {
      kept[count++] = argv[i];
    }
  }
  return program_run(kept, NULL);
}

#define PROGRAM_RUN_LAST(...) program_run_last((const char *const[]){PROGRAM_PATH, __VA_ARGS__, NULL})

/* How often `what` occurs in `text`. */
static inline size_t program_count(const char *text, const char *what) {
  size_t count = 0;
  for (const char *at = strstr(text, what); at; at = strstr(at + strlen(what), what)) count++;
  return count;
}

/* Asserts a failure as the contract wants it: this status, nothing on stdout, and on stderr one line
 * "chronos2: error: ..." that contains `part`. Frees the result. */
static inline void program_assert_error(program_result *result, int status, const char *part) {
  if (result->status != status || result->out_size != 0 || program_count(result->err, "chronos2: error: ") != 1 ||
      program_count(result->err, "\n") != 1 || !strstr(result->err, part)) {
    fail_msg("expected status %d and one error line with '%s'; status %d, stdout '%s', stderr '%s'", status, part,
             result->status, result->out, result->err);
  }
  program_free(result);
}

/* A fresh folder for a test's files, under BINARY_DIR; its path is the caller's to free. */
static inline char *program_make_folder(void) {
  char pattern[] = BINARY_DIR "/test-XXXXXX";
  assert_non_null(mkdtemp(pattern));
  return strdup(pattern);
}

/* "folder/name", the caller's to free. */
static inline char *program_path(const char *folder, const char *name) {
  size_t room = strlen(folder) + strlen(name) + 2;
  char *path = malloc(room);
  assert_non_null(path);
  (void)snprintf(path, room, "%s/%s", folder, name);
  return path;
}

/* Removes a folder of files and frees its path; a folder within it fails the test. */
static inline void program_remove_folder(char *folder) {
  DIR *dir = opendir(folder);
  assert_non_null(dir);
  struct dirent *entry = NULL;
  while ((entry = readdir(dir))) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    assert_int_equal(unlinkat(dirfd(dir), entry->d_name, 0), 0);
  }
  (void)closedir(dir);
  assert_int_equal(rmdir(folder), 0);
  free(folder);
}

/* Writes `size` bytes as a file. */
static inline void program_write_file(const char *path, const void *bytes, size_t size) {
  FILE *file = fopen(path, "wb");
  assert_non_null(file);
  assert_int_equal(fwrite(bytes, 1, size, file), size);
  assert_int_equal(fclose(file), 0);
}

/* Whole content of a file with a terminating zero, the caller's to free; NULL if it isn't there. */
static inline char *program_read_file(const char *path) {
  FILE *file = fopen(path, "rb");
  if (!file) return NULL;
  assert_int_equal(fseek(file, 0, SEEK_END), 0);
  long size = ftell(file);
  assert_true(size >= 0);
  rewind(file);
  char *text = calloc(1, (size_t)size + 1);
  assert_non_null(text);
  assert_int_equal(fread(text, 1, (size_t)size, file), (size_t)size);
  (void)fclose(file);
  return text;
}

/* Copies a file byte by byte; what stood at `to` is overwritten in place. */
static inline void program_copy_file(const char *from, const char *to) {
  struct stat info;
  assert_int_equal(stat(from, &info), 0);
  char *bytes = program_read_file(from);
  program_write_file(to, bytes, (size_t)info.st_size);
  free(bytes);
}

#endif

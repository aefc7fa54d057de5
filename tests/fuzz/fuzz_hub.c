/* A hub's replies. The input is parts between lines "====". The first one is what is asked for, a line each: "model
 * OWNER/NAME@REVISION", "dataset OWNER/NAME CONFIG" or "path hf://datasets/OWNER/NAME/PATH", with "offline" before it
 * for what the cache has to answer alone. Each further part is a reply: a status, headers, and after an empty line a
 * body without its last end of line. What a reply leads to lies in the cache, and nothing is written elsewhere. */
#define _GNU_SOURCE /* nftw */
#include <dirent.h>
#include <ftw.h>
#include <strings.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "hub/card.h"
#include "hub/http.h"
#include "hub/hub.h"
#include "hub/store.h"

enum { MOST_REPLIES = 32, MOST_HEADERS = 16, HEADER_ROOM = 512 };

#define ENDPOINT "http://hub"

/* ---- Replies instead of a network -------------------------------------------------------------- */

struct c2_http {
  char name[MOST_HEADERS][HEADER_ROOM], value[MOST_HEADERS][HEADER_ROOM];
  size_t headers;
};

static struct {
  char *part[MOST_REPLIES];
  size_t length[MOST_REPLIES], count, next;
  bool offline;
} script;

c2_status c2_http_open(c2_http **http, c2_error *err) {
  *http = calloc(1, sizeof **http);
  return *http ? C2_OK : c2_fail(err, C2_ERR_MEMORY, "cannot allocate");
}

void c2_http_close(c2_http **http) {
  free(*http);
  *http = NULL;
}

/* One "NAME: VALUE"; what is no text becomes question marks, as http.h has it. */
static void add_header(c2_http *http, const char *line, size_t size) {
  const char *colon = memchr(line, ':', size);
  if (!colon || http->headers == MOST_HEADERS) return;
  size_t value = (size_t)(line + size - colon) - 1;
  char *to = http->value[http->headers];
  (void)snprintf(http->name[http->headers++], HEADER_ROOM, "%.*s", (int)(colon - line), line);
  const char *from = colon + 1;
  for (; value > 0 && *from == ' '; from++) value--;
  if (value >= HEADER_ROOM) value = HEADER_ROOM - 1;
  memcpy(to, from, value);
  to[value] = '\0';
  for (char *c = to; c < to + value; c++) {
    if ((unsigned char)*c < 32 || *c == 127) *c = '?';
  }
}

c2_status c2_http_send(c2_http *http, const c2_http_request *request, int *code, bool *again, c2_error *err) {
  fuzz_require(!request->token || c2_http_same_origin(request->url, ENDPOINT), "the token goes to the hub alone");
  fuzz_require(!script.offline, "nothing is asked where nothing may be");
  http->headers = 0;
  *again = false;
  *code = 404;
  if (script.next >= script.count) return C2_OK;
  const char *at = script.part[script.next];
  const char *end = at + script.length[script.next++];
  *code = atoi(at);
  if (*code == 0) {
    *again = true;
    C2_FAIL(err, C2_ERR_IO, "the connection is cut");
  }
  while (at < end) {
    const char *stop = memchr(at, '\n', (size_t)(end - at));
    size_t size = (size_t)((stop ? stop : end) - at);
    add_header(http, at, size);
    at += size + (stop != NULL);
    if (size == 0) break;
  }
  size_t rest = (size_t)(end - at) - (end > at && end[-1] == '\n');
  if (request->head || !request->receive || (*code != 200 && *code != 206)) return C2_OK;
  size_t half = rest / 2;
  if (half > 0) C2_TRY(request->receive(request->context, *code, at, half, err));
  return rest > half ? request->receive(request->context, *code, at + half, rest - half, err) : C2_OK;
}

const char *c2_http_header(const c2_http *http, const char *name) {
  for (size_t i = 0; i < http->headers; i++) {
    if (strcasecmp(http->name[i], name) != 0) continue;
    double wait = strcasecmp(name, "Retry-After") == 0 ? atof(http->value[i]) : 0;
    return wait > 0 && wait <= 60 ? "0" : http->value[i]; /* no target waits */
  }
  return NULL;
}

c2_status c2_http_follow(const char *url, const char *location, char **out, c2_error *err) {
  bool whole = strncmp(location, "http://", 7) == 0 || strncmp(location, "https://", 8) == 0;
  (void)url;
  if (!whole && *location != '/') C2_FAIL(err, C2_ERR_IO, "expected a URL, found '%.60s'", location);
  size_t room = strlen(location) + sizeof ENDPOINT;
  *out = malloc(room);
  if (!*out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate");
  (void)snprintf(*out, room, "%s%s", whole ? "" : ENDPOINT, location);
  return C2_OK;
}

bool c2_http_same_origin(const char *a, const char *b) {
  size_t n = strlen(ENDPOINT);
  bool first = strncmp(a, ENDPOINT, n) == 0 && (a[n] == '/' || a[n] == '\0');
  bool second = strncmp(b, ENDPOINT, n) == 0 && (b[n] == '/' || b[n] == '\0');
  return first && second;
}

/* ---- What is asked for -------------------------------------------------------------------------- */

static void quiet(const char *line) {
  fuzz_require(!strchr(line, '\n'), "what is said is one line");
}

static int remove_one(const char *path, const struct stat *info, int kind, struct FTW *where) {
  (void)info;
  (void)kind;
  (void)where;
  return remove(path);
}

/* Nothing beside the cache was written. */
static void check_folder(void) {
  DIR *dir = opendir(fuzz_folder());
  fuzz_require(dir != NULL, "the folder is there");
  for (struct dirent *e = readdir(dir); e; e = readdir(dir)) {
    bool known = strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || strcmp(e->d_name, "cache") == 0;
    fuzz_require(known, "nothing is written outside the cache");
  }
  (void)closedir(dir);
}

static void check_place(const c2_hub *hub, const char *path) {
  struct stat info;
  size_t n = strlen(hub->cache);
  fuzz_require(strncmp(path, hub->cache, n) == 0 && path[n] == '/', "a place lies in the cache");
  fuzz_require(!strstr(path, "/../") && stat(path, &info) == 0, "a place is there");
}

static c2_status ask_model(c2_hub *hub, const char *name, c2_error *err) {
  c2_repo repo;
  char *folder = NULL;
  C2_TRY(c2_repo_parse(&repo, name, false, err));
  fuzz_require(c2_repo_is(name), "what is parsed is a name");
  c2_status status = c2_hub_model(hub, &repo, &folder, err);
  if (status == C2_OK) check_place(hub, folder);
  free(folder);
  return status;
}

static c2_status ask_files(c2_hub *hub, const char *name, const char *config, c2_error *err) {
  c2_repo repo;
  c2_hub_files files = {.path = NULL};
  char *where = NULL;
  const char *path = NULL;
  c2_status status = config ? c2_repo_parse(&repo, name, true, err) : c2_repo_parse_url(&repo, name, &path, err);
  if (status != C2_OK) return status;
  status = config ? c2_hub_dataset(hub, &repo, *config ? config : NULL, &files, err)
                  : c2_hub_path(hub, &repo, path, &files, &where, err);
  for (size_t i = 0; status == C2_OK && i < files.count; i++) check_place(hub, files.path[i]);
  c2_hub_files_free(&files);
  free(where);
  return status;
}

static c2_status ask(c2_hub *hub, char *line, c2_error *err) {
  script.offline = hub->offline = strncmp(line, "offline ", 8) == 0;
  if (hub->offline) line += 8;
  hub->update = hub->update && !hub->offline; /* the program refuses both */
  char *name = strchr(line, ' ');
  if (!name) C2_FAIL(err, C2_ERR_ARGUMENT, "no name");
  *name++ = '\0';
  if (strcmp(line, "model") == 0) return ask_model(hub, name, err);
  char *config = strcmp(line, "dataset") == 0 ? strchr(name, ' ') : NULL;
  if (config) *config++ = '\0';
  return ask_files(hub, name, strcmp(line, "dataset") == 0 && !config ? "" : config, err);
}

static void ask_line(char *line, bool update) {
  c2_hub hub = {.endpoint = strdup(ENDPOINT), .token = strdup("secret"), .cache = fuzz_path("cache"), .update = update};
  c2_error err = {.code = C2_OK};
  hub.say = hub.warn = quiet;
  c2_status status = ask(&hub, line, &err);
  if (status != C2_OK) fuzz_check_error(status, &err);
  fuzz_require(!strstr(err.text, "secret"), "no message holds the token");
  c2_hub_close(&hub);
}

/* The first reply's body as a card. */
static void read_card(void) {
  c2_patterns patterns = {.pattern = NULL};
  c2_error err = {.code = C2_OK};
  if (script.count < 1) return;
  char *copy = malloc(script.length[0] + 1);
  if (!copy) abort();
  memcpy(copy, script.part[0], script.length[0] + 1);
  c2_status status = c2_card_patterns("card", copy, script.length[0], "c", &patterns, &err);
  if (status != C2_OK) fuzz_check_error(status, &err);
  for (size_t i = 0; i < patterns.count; i++) (void)c2_pattern_matches(patterns.pattern[i], "c/train-0.parquet");
  c2_patterns_free(&patterns);
  free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  char *part[MOST_REPLIES + 1] = {NULL};
  size_t length[MOST_REPLIES + 1] = {0};
  size_t parts = fuzz_parts(data, size, part, length, MOST_REPLIES + 1);
  if (parts > 0) {
    script.count = parts - 1;
    memcpy(script.part, part + 1, script.count * sizeof *script.part);
    memcpy(script.length, length + 1, script.count * sizeof *script.length);
    script.next = 0;
    read_card();
    char *rest = NULL;
    size_t lines = 0;
    for (char *line = strtok_r(part[0], "\n", &rest); line && lines < 4; line = strtok_r(NULL, "\n", &rest)) {
      ask_line(line, lines++ > 0);
    }
    char *cache = fuzz_path("cache");
    check_folder();
    (void)nftw(cache, remove_one, 16, FTW_DEPTH | FTW_PHYS);
    free(cache);
  }
  for (size_t i = 0; i < parts; i++) free(part[i]);
  return 0;
}

/* A hub for tests, which speaks the protocol that huggingface_hub speaks, and misbehaves on request.
 *
 *   fake_hub ROOT
 *
 * It prints "http://HUB http://CDN" when it listens, and ends when its standard input does. Repositories are folders:
 *
 *   ROOT/models/OWNER/NAME/refs/main         a commit of 40 digits; likewise ROOT/datasets/...
 *   ROOT/models/OWNER/NAME/COMMIT/FILE       its files
 *   ROOT/models/OWNER/NAME/token             the only token that may read it; without that file everybody may
 *   ROOT/models/OWNER/NAME/gated             is there: nobody may (403)
 *   ROOT/models/OWNER/NAME/tree              what is answered to the question for the list of files
 *
 * Files named *.safetensors and *.parquet lie on the CDN, another origin. ROOT/faults holds lines
 * "TIMES|PART|ACTION|VALUE": TIMES requests (0: all) whose "METHOD PATH" contains PART meet the action:
 *
 *   status    answers with this status, and a header if VALUE is "429 Retry-After: 1"
 *   header    replaces or adds the header "NAME: VALUE"; "NAME:" leaves it out
 *   cut       closes after so many bytes of the body
 *   slow      sends so many bytes of the body a second
 *   stall     sends no body and waits
 *   close     closes without an answer
 *   corrupt   changes the byte of this offset
 *   no-range  sends all of the body, whatever was asked for
 *   bad-range says that the body begins one byte later
 *   endless   sends a body without length and end
 *
 * ROOT/log gets a line for each request, before it is answered: "hub|cdn METHOD PATH STATUS token=T range=N". */
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/sha.h"

enum { TEXT = 8192, MOST_FAULTS = 64, MOST_FILES = 4096 };

static const char *root;
static int ports[2]; /* of the hub and of the CDN */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

typedef struct connection {
  int socket;
  bool is_cdn;
} connection;

typedef struct request {
  connection *at;
  char method[8], path[TEXT], query[TEXT], token[256];
  long long from;     /* of a range; -1: none was asked for */
  char headers[TEXT]; /* of the answer */
  const char *body;
  size_t size;
  int status;
  size_t sent;
  /* faults */
  long long cut, slow, corrupt;
  bool stall, close, no_range, bad_range, endless;
} request;

/* ---- Files ------------------------------------------------------------------------------------- */

static char *read_all(const char *path, size_t *size) {
  FILE *file = fopen(path, "rb");
  struct stat info;
  if (!file) return NULL;
  if (fstat(fileno(file), &info) != 0 || !S_ISREG(info.st_mode)) {
    (void)fclose(file);
    return NULL;
  }
  char *text = calloc(1, (size_t)info.st_size + 1);
  if (text) *size = fread(text, 1, (size_t)info.st_size, file);
  (void)fclose(file);
  return text;
}

static bool exists(const char *path) {
  return access(path, F_OK) == 0;
}

static bool is_large(const char *name) {
  size_t n = strlen(name);
  return (n > 12 && strcmp(name + n - 12, ".safetensors") == 0) || (n > 8 && strcmp(name + n - 8, ".parquet") == 0);
}

/* Of a file's content, once a file: a test that changes one changes its size or its name. */
static void digest(const char *path, const char *text, size_t size, bool large, char out[C2_SHA_ROOM]) {
  static struct {
    char path[512], sum[C2_SHA_ROOM];
    size_t size;
    bool large;
  } known[64];
  static size_t count;
  (void)pthread_mutex_lock(&lock);
  for (size_t i = 0; size > 1000000 && i < count && i < 64; i++) {
    if (strcmp(known[i].path, path) != 0 || known[i].size != size || known[i].large != large) continue;
    memcpy(out, known[i].sum, sizeof known[i].sum);
    (void)pthread_mutex_unlock(&lock);
    return;
  }
  (void)pthread_mutex_unlock(&lock);
  c2_sha sha;
  char head[32];
  c2_sha_begin(&sha, large ? C2_SHA256 : C2_SHA1);
  int n = snprintf(head, sizeof head, "blob %zu", size);
  if (!large) c2_sha_add(&sha, head, (size_t)n + 1);
  c2_sha_add(&sha, text, size);
  c2_sha_end(&sha, out);
  (void)pthread_mutex_lock(&lock);
  (void)snprintf(known[count % 64].path, sizeof known[0].path, "%s", path);
  memcpy(known[count % 64].sum, out, sizeof known[0].sum);
  known[count % 64].size = size;
  known[count++ % 64].large = large;
  (void)pthread_mutex_unlock(&lock);
}

/* ---- Faults ------------------------------------------------------------------------------------ */

static struct {
  char line[512];
  int used;
} counted[MOST_FAULTS];

/* Counts anew when the faults are others. */
static void count_anew(const char *text) {
  static char last[TEXT];
  if (strncmp(last, text, sizeof last - 1) != 0) memset(counted, 0, sizeof counted);
  (void)snprintf(last, sizeof last, "%s", text);
}

/* Whether a line of the faults may be used once more. */
static bool take(const char *line, int times) {
  size_t i = 0;
  while (i < MOST_FAULTS - 1 && counted[i].line[0] && strcmp(counted[i].line, line) != 0) i++;
  (void)snprintf(counted[i].line, sizeof counted[i].line, "%s", line);
  return counted[i].used++ < times || times == 0;
}

static void set_header(request *r, const char *line) {
  size_t name = strcspn(line, ":") + 1;
  char kept[TEXT] = "";
  size_t used = 0;
  for (const char *at = r->headers; *at;) {
    size_t n = strcspn(at, "\n") + 1;
    if (strncasecmp(at, line, name) != 0) used += (size_t)snprintf(kept + used, sizeof kept - used, "%.*s", (int)n, at);
    at += n;
  }
  if (line[name]) used += (size_t)snprintf(kept + used, sizeof kept - used, "%s\r\n", line);
  memcpy(r->headers, kept, used + 1);
}

static void set_status(request *r, int status, const char *header) {
  r->status = status;
  r->headers[0] = '\0';
  r->body = "";
  r->size = 0;
  if (header) set_header(r, header);
}

static void apply(request *r, const char *action, const char *value) {
  long long number = atoll(value);
  if (strcmp(action, "status") == 0) {
    const char *blank = strchr(value, ' ');
    set_status(r, (int)number, blank ? blank + 1 : NULL);
  }
  if (strcmp(action, "header") == 0) set_header(r, value);
  if (strcmp(action, "cut") == 0) r->cut = number;
  if (strcmp(action, "slow") == 0) r->slow = number;
  if (strcmp(action, "corrupt") == 0) r->corrupt = number;
  r->stall = r->stall || strcmp(action, "stall") == 0;
  r->close = r->close || strcmp(action, "close") == 0;
  r->no_range = r->no_range || strcmp(action, "no-range") == 0;
  r->bad_range = r->bad_range || strcmp(action, "bad-range") == 0;
  r->endless = r->endless || strcmp(action, "endless") == 0;
}

static void apply_faults(request *r) {
  char path[TEXT];
  char what[2 * TEXT];
  size_t size = 0;
  (void)snprintf(path, sizeof path, "%s/faults", root);
  (void)snprintf(what, sizeof what, "%s %s", r->method, r->path);
  char *text = read_all(path, &size);
  char *rest = NULL;
  (void)pthread_mutex_lock(&lock);
  count_anew(text ? text : "");
  for (char *line = text ? strtok_r(text, "\n", &rest) : NULL; line; line = strtok_r(NULL, "\n", &rest)) {
    char copy[512];
    char *field[4] = {NULL};
    (void)snprintf(copy, sizeof copy, "%s", line);
    char *at = copy;
    for (size_t i = 0; i < 4; i++) field[i] = i < 3 ? strsep(&at, "|") : at;
    if (!field[3] || !strstr(what, field[1]) || !take(line, atoi(field[0]))) continue;
    apply(r, field[2], field[3]);
  }
  (void)pthread_mutex_unlock(&lock);
  free(text);
}

/* ---- Answers ----------------------------------------------------------------------------------- */

static bool send_all(request *r, const char *bytes, size_t size) {
  while (size > 0) {
    ssize_t n = send(r->at->socket, bytes, size, MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes += n;
    size -= (size_t)n;
  }
  return true;
}

static void rest_for(double seconds) {
  struct timespec t = {(time_t)seconds, (long)(1e9 * (seconds - (double)(time_t)seconds))};
  (void)nanosleep(&t, NULL);
}

/* False if the connection is over. */
static bool send_body(request *r, const char *bytes, size_t size) {
  if (r->stall) rest_for(30);
  for (size_t at = 0; at < size || r->endless;) {
    size_t part = size - at % (size ? size : 1);
    if (!r->endless) part = size - at;
    if (r->slow > 0 && part > (size_t)r->slow / 20 + 1) part = (size_t)r->slow / 20 + 1;
    if (r->cut >= 0 && part > (size_t)r->cut - r->sent) part = (size_t)r->cut - r->sent;
    if (!send_all(r, bytes + at % (size ? size : 1), part)) return false;
    r->sent += part;
    at += part;
    if (r->cut >= 0 && r->sent == (size_t)r->cut) return false;
    if (r->slow > 0) rest_for(0.05);
  }
  return true;
}

/* Cuts the body to the range that was asked for. */
static void apply_range(request *r) {
  char line[128];
  if (r->from < 0 || r->status != 200 || r->no_range) return;
  if ((size_t)r->from >= r->size) {
    set_status(r, 416, NULL);
    return;
  }
  (void)snprintf(line, sizeof line, "Content-Range: bytes %lld-%zu/%zu", r->from + r->bad_range, r->size - 1, r->size);
  set_header(r, line);
  r->body += r->from;
  r->size -= (size_t)r->from;
  r->status = 206;
}

static void note(const request *r) {
  char path[TEXT];
  char line[3 * TEXT];
  (void)snprintf(path, sizeof path, "%s/log", root);
  int n = snprintf(line, sizeof line, "%s %s %s %d token=%s range=%lld \n", r->at->is_cdn ? "cdn" : "hub", r->method,
                   r->path, r->status, r->token[0] ? r->token : "-", r->from);
  int file = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file < 0 || write(file, line, (size_t)n) != n) abort();
  (void)close(file);
}

static bool answer(request *r) {
  char length[64];
  char head[TEXT + 256];
  bool is_head = strcmp(r->method, "HEAD") == 0;
  apply_faults(r);
  apply_range(r);
  (void)snprintf(length, sizeof length, "Content-Length: %zu", r->size);
  if (!r->endless) set_header(r, length);
  char *changed = r->corrupt >= 0 && (size_t)r->corrupt < r->size ? malloc(r->size) : NULL;
  if (changed) {
    memcpy(changed, r->body, r->size);
    changed[r->corrupt] ^= 1;
    r->body = changed;
  }
  int n = snprintf(head, sizeof head, "HTTP/1.1 %d X\r\n%s\r\n", r->status, r->headers);
  note(r);
  bool good = !r->close && send_all(r, head, (size_t)n) && (is_head || send_body(r, r->body, r->size));
  free(changed);
  return good && !r->endless;
}

/* ---- What is asked for --------------------------------------------------------------------------- */

/* The repository that a path names: ROOT/kind/OWNER/NAME; *rest is what follows. NULL if there is none. */
static bool find_repo(const char *kind, char *path, char *folder, char **rest) {
  char *slash = strchr(path, '/');
  char *end = slash ? strchr(slash + 1, '/') : NULL;
  if (!slash) return false;
  (void)snprintf(folder, TEXT, "%s/%s/%.*s", root, kind, end ? (int)(end - path) : (int)strlen(path), path);
  *rest = end ? end + 1 : path + strlen(path);
  return exists(folder);
}

static bool may_read(request *r, const char *folder) {
  char path[TEXT + 16];
  size_t size = 0;
  (void)snprintf(path, sizeof path, "%s/gated", folder);
  if (exists(path)) {
    set_status(r, 403, "X-Error-Code: GatedRepo");
    set_header(r, "X-Error-Message: Access to this repository is restricted");
    return false;
  }
  (void)snprintf(path, sizeof path, "%s/token", folder);
  char *token = read_all(path, &size);
  if (token) token[strcspn(token, "\n")] = '\0';
  bool good = !token || strcmp(token, r->token) == 0;
  free(token);
  if (!good) set_status(r, 401, "X-Error-Code: RepoNotFound");
  return good;
}

static void unescape(char *text) {
  char *to = text;
  for (const char *c = text; *c; c++) {
    char digits[3] = {c[0] == '%' ? c[1] : '\0', c[0] == '%' && c[1] ? c[2] : '\0', '\0'};
    if (digits[1]) {
      *to++ = (char)strtol(digits, NULL, 16);
      c += 2;
    } else {
      *to++ = *c;
    }
  }
  *to = '\0';
}

/* The commit of an escaped revision; false if there is none. */
static bool find_commit(const char *folder, const char *revision, size_t n, char commit[41]) {
  char path[2 * TEXT];
  char name[TEXT];
  size_t size = 0;
  (void)snprintf(name, sizeof name, "%.*s", (int)n, revision);
  unescape(name);
  (void)snprintf(path, sizeof path, "%s/refs/%s", folder, name);
  char *text = read_all(path, &size);
  (void)snprintf(commit, 41, "%.40s", text ? text : name);
  free(text);
  (void)snprintf(path, sizeof path, "%s/%s", folder, commit);
  return strlen(commit) == 40 && exists(path);
}

/* HEAD and GET of a file: `rest` is REVISION/FILE. The body is *owned. */
static void resolve(request *r, const char *folder, char *rest, char **owned) {
  char commit[41];
  char path[2 * TEXT];
  char line[3 * TEXT];
  char sum[C2_SHA_ROOM];
  char *slash = strchr(rest, '/');
  if (!slash || !find_commit(folder, rest, (size_t)(slash - rest), commit)) {
    set_status(r, 404, "X-Error-Code: RevisionNotFound");
    return;
  }
  unescape(slash + 1);
  (void)snprintf(path, sizeof path, "%s/%s/%s", folder, commit, slash + 1);
  *owned = read_all(path, &r->size);
  (void)snprintf(line, sizeof line, "X-Repo-Commit: %s", commit);
  if (!*owned) {
    set_status(r, 404, "X-Error-Code: EntryNotFound");
    set_header(r, line);
    return;
  }
  r->body = *owned;
  set_header(r, line);
  bool large = is_large(path);
  digest(path, *owned, r->size, large, sum);
  (void)snprintf(line, sizeof line, large ? "X-Linked-ETag: \"%s\"" : "ETag: \"%s\"", sum);
  set_header(r, line);
  if (!large) return;
  (void)snprintf(line, sizeof line, "X-Linked-Size: %zu", r->size);
  set_header(r, line);
  (void)snprintf(line, sizeof line, "Location: http://localhost:%d/blob%s?signature=secret", ports[1],
                 path + strlen(root));
  set_header(r, line);
  set_header(r, "ETag: \"of-the-redirect\"");
  r->status = 302;
  r->body = "Found. Redirecting elsewhere";
  r->size = strlen(r->body);
}

/* ---- Lists of files ------------------------------------------------------------------------------ */

typedef struct file_list {
  char *name[MOST_FILES];
  size_t count;
} file_list;

static void list(const char *folder, const char *below, file_list *files) {
  char path[2 * TEXT];
  (void)snprintf(path, sizeof path, "%s/%s", folder, below);
  DIR *dir = opendir(path);
  for (struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
    char name[TEXT];
    struct stat info;
    if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0 || files->count == MOST_FILES) continue;
    (void)snprintf(name, sizeof name, "%s%s%s", below, *below ? "/" : "", e->d_name);
    (void)snprintf(path, sizeof path, "%s/%s", folder, name);
    if (stat(path, &info) != 0) continue;
    if (S_ISDIR(info.st_mode)) list(folder, name, files);
    if (S_ISREG(info.st_mode)) files->name[files->count++] = strdup(name);
  }
  if (dir) (void)closedir(dir);
}

static int by_name(const void *a, const void *b) {
  return strcmp(*(char *const *)a, *(char *const *)b);
}

static void put_entry(FILE *out, const char *folder, const char *name) {
  char path[3 * TEXT];
  char sum[C2_SHA_ROOM];
  size_t size = 0;
  (void)snprintf(path, sizeof path, "%s/%s", folder, name);
  char *text = read_all(path, &size);
  digest(path, text, size, false, sum);
  (void)fprintf(out, "{\"type\":\"file\",\"path\":\"%s\",\"size\":%zu,\"oid\":\"%s\"", name, size, sum);
  digest(path, text, size, true, sum);
  if (is_large(name)) (void)fprintf(out, ",\"lfs\":{\"oid\":\"%s\",\"size\":%zu,\"pointerSize\":130}", sum, size);
  (void)fputc('}', out);
  free(text);
}

/* The files of a commit, as the tree (a page of FAKE_HUB_PAGE at a time) or as siblings. */
static void put_list(request *r, const char *folder, const char *commit, bool tree, char **owned) {
  char path[2 * TEXT];
  char line[2 * TEXT];
  file_list files = {.count = 0};
  size_t page = getenv("FAKE_HUB_PAGE") ? strtoul(getenv("FAKE_HUB_PAGE"), NULL, 10) : 1000;
  const char *cursor = strstr(r->query, "cursor=");
  size_t first = tree && cursor ? strtoul(cursor + 7, NULL, 10) : 0;
  (void)snprintf(path, sizeof path, "%s/%s", folder, commit);
  list(path, "", &files);
  qsort(files.name, files.count, sizeof *files.name, by_name);
  FILE *out = open_memstream(owned, &r->size);
  if (!tree) (void)fprintf(out, "{\"id\":\"%s\",\"sha\":\"%s\",\"siblings\":", folder + strlen(root) + 1, commit);
  (void)fputc('[', out);
  for (size_t i = first; i < files.count && (!tree || i < first + page); i++) {
    if (i > first) (void)fputc(',', out);
    if (tree) {
      put_entry(out, path, files.name[i]);
    } else {
      (void)fprintf(out, "{\"rfilename\":\"%s\"}", files.name[i]);
    }
  }
  (void)fputs(tree ? "]" : "]}", out);
  (void)fclose(out);
  r->body = *owned;
  set_header(r, "Content-Type: application/json");
  if (tree && first + page < files.count) {
    (void)snprintf(line, sizeof line, "Link: <http://127.0.0.1:%d%s?recursive=true&cursor=%zu>; rel=\"next\"", ports[0],
                   r->path, first + page);
    set_header(r, line);
  }
  for (size_t i = 0; i < files.count; i++) free(files.name[i]);
}

/* /api/models/OWNER/NAME[/revision/REV|/tree/REV] */
static void interface(request *r, const char *kind, char *path, char **owned) {
  char folder[TEXT];
  char commit[41];
  char *rest = NULL;
  if (!find_repo(kind, path, folder, &rest)) {
    set_status(r, 401, "X-Error-Code: RepoNotFound");
    return;
  }
  if (!may_read(r, folder)) return;
  bool tree = strncmp(rest, "tree/", 5) == 0;
  const char *revision = tree ? rest + 5 : strncmp(rest, "revision/", 9) == 0 ? rest + 9 : "main";
  if (!find_commit(folder, revision, strcspn(revision, "/"), commit)) {
    set_status(r, 404, "X-Error-Code: RevisionNotFound");
    return;
  }
  char list_path[TEXT + 16];
  (void)snprintf(list_path, sizeof list_path, "%s/tree", folder);
  if (tree) *owned = read_all(list_path, &r->size);
  r->body = *owned;
  if (!*owned) put_list(r, folder, commit, tree, owned);
}

static void at_hub(request *r, char **owned) {
  char path[TEXT];
  char folder[TEXT];
  char *rest = NULL;
  (void)snprintf(path, sizeof path, "%s", r->path + 1);
  bool is_api = strncmp(path, "api/", 4) == 0;
  char *at = is_api ? path + 4 : path;
  const char *kind = strncmp(at, "datasets/", 9) == 0 ? "datasets" : "models";
  if (is_api || strcmp(kind, "datasets") == 0) at += strlen(kind) + 1;
  if (is_api) {
    interface(r, kind, at, owned);
  } else if (!find_repo(kind, at, folder, &rest) || strncmp(rest, "resolve/", 8) != 0) {
    set_status(r, 401, "X-Error-Code: RepoNotFound");
  } else if (may_read(r, folder)) {
    resolve(r, folder, rest + 8, owned);
  }
}

static void at_cdn(request *r, char **owned) {
  char path[2 * TEXT];
  (void)snprintf(path, sizeof path, "%s%s", root, strncmp(r->path, "/blob/", 6) == 0 ? r->path + 5 : "/none");
  *owned = read_all(path, &r->size);
  r->body = *owned;
  if (!*owned) set_status(r, 404, NULL);
  set_header(r, "ETag: \"of-the-cdn\"");
}

/* ---- Connections ---------------------------------------------------------------------------------- */

/* Reads the head of a request; false at the end of the connection. */
static bool read_head(int socket, char head[TEXT]) {
  size_t n = 0;
  while (n < TEXT - 1) {
    if (recv(socket, head + n, 1, 0) != 1) return false;
    head[++n] = '\0';
    if (n >= 4 && memcmp(head + n - 4, "\r\n\r\n", 4) == 0) return true;
  }
  return false;
}

static bool serve_one(connection *c) {
  char head[TEXT];
  char target[TEXT];
  char *owned = NULL;
  if (!read_head(c->socket, head)) return false;
  request *r = calloc(1, sizeof *r);
  if (!r) return false;
  *r = (request){.at = c, .from = -1, .cut = -1, .slow = -1, .corrupt = -1, .status = 200, .body = ""};
  if (sscanf(head, "%7s %8000s", r->method, target) != 2) abort();
  char *query = strchr(target, '?');
  (void)snprintf(r->query, sizeof r->query, "%s", query ? query : "");
  if (query) *query = '\0';
  (void)snprintf(r->path, sizeof r->path, "%s", target);
  const char *range = strcasestr(head, "\r\nrange: bytes=");
  if (range) r->from = atoll(range + 15);
  const char *token = strcasestr(head, "\r\nauthorization: bearer ");
  if (token) (void)sscanf(token + 24, "%255[^\r]", r->token);
  if (c->is_cdn) {
    at_cdn(r, &owned);
  } else {
    at_hub(r, &owned);
  }
  bool more = answer(r);
  free(owned);
  free(r);
  return more;
}

static void *serve(void *context) {
  connection *c = context;
  while (serve_one(c)) {
  }
  (void)close(c->socket);
  free(c);
  return NULL;
}

static void *listen_at(void *context) {
  connection *door = context;
  for (;;) {
    pthread_t thread;
    connection *c = malloc(sizeof *c);
    if (!c) abort();
    *c = (connection){accept(door->socket, NULL, NULL), door->is_cdn};
    (void)setsockopt(c->socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int));
    if (c->socket < 0 || pthread_create(&thread, NULL, serve, c) != 0) abort();
    (void)pthread_detach(thread);
  }
}

static int open_door(int *port) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
  socklen_t size = sizeof address;
  int door = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (door < 0 || bind(door, (struct sockaddr *)&address, size) != 0 || listen(door, 64) != 0) abort();
  if (getsockname(door, (struct sockaddr *)&address, &size) != 0) abort();
  *port = ntohs(address.sin_port);
  return door;
}

int main(int argc, char **argv) {
  static connection doors[2];
  char byte = 0;
  if (argc != 2) return 2;
  root = argv[1];
  (void)signal(SIGPIPE, SIG_IGN);
  for (int i = 0; i < 2; i++) {
    pthread_t thread;
    doors[i] = (connection){open_door(&ports[i]), i == 1};
    if (pthread_create(&thread, NULL, listen_at, &doors[i]) != 0) return 1;
  }
  (void)printf("http://127.0.0.1:%d http://127.0.0.1:%d\n", ports[0], ports[1]);
  (void)fflush(stdout);
  while (read(STDIN_FILENO, &byte, 1) > 0) {
  }
  return 0;
}

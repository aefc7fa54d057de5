/* A server under test, and a client for it that speaks HTTP by hand. */
#ifndef C2_TESTS_SERVING_H
#define C2_TESTS_SERVING_H

#include <arpa/inet.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "program.h"

typedef struct serving {
  pid_t child;
  int port;
  char *folder, *log; /* the server's own, and in it what it writes to standard error */
} serving;

static inline void serving_sleep(double seconds) {
  struct timespec time = {(time_t)seconds, (long)(1e9 * (seconds - (double)(time_t)seconds))};
  (void)nanosleep(&time, NULL);
}

/* Starts the program with these arguments behind "serve", and waits until it listens. NULL ends them. */
static inline serving serving_start(const char *const *arguments) {
  const char *argv[32] = {PROGRAM_PATH, "serve",     "--listen", "127.0.0.1:0", "--threads",
                          "1",          "--timeout", "600",      "--grace",     "600"}; /* a busy machine is slow */
  serving s = {.folder = program_make_folder()};
  size_t count = 10;
  while (arguments && *arguments) argv[count++] = *arguments++;
  s.log = program_path(s.folder, "log");
  int null = open("/dev/null", O_RDWR | O_CLOEXEC);
  int log = open(s.log, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  assert_true(null >= 0 && log >= 0);
  (void)fflush(NULL);
  s.child = fork();
  assert_true(s.child >= 0);
  if (s.child == 0) program_become(argv, null, null, log);
  close(null);
  close(log);
  for (int i = 0; i < 6000 && s.port == 0; i++) {
    static const char before[] = "\"address\":\"";
    serving_sleep(0.01);
    char *text = program_read_file(s.log);
    const char *at = text ? strstr(text, before) : NULL;
    const char *end = at ? strchr(at + sizeof before - 1, '"') : NULL;
    if (end && strchr(end, '}')) s.port = atoi((const char *)memrchr(at, ':', (size_t)(end - at)) + 1);
    int state = 0;
    if (s.port == 0 && waitpid(s.child, &state, WNOHANG) == s.child) fail_msg("the server did not start: %s", text);
    free(text);
  }
  assert_true(s.port > 0);
  return s;
}

/* Sends SIGTERM, waits, and returns the exit status. *log receives, unless it is NULL, what the server has written to
 * standard error, the caller's to free. */
static inline int serving_end(serving *s, char **log) {
  int state = 0;
  (void)kill(s->child, SIGTERM);
  while (waitpid(s->child, &state, 0) < 0) assert_int_equal(errno, EINTR);
  if (log) *log = program_read_file(s->log);
  program_remove_folder(s->folder);
  free(s->log);
  return WIFEXITED(state) ? WEXITSTATUS(state) : 128 + WTERMSIG(state);
}

/* As serving_end. Shows the log of a server that did not end well. */
static inline int serving_stop(serving *s) {
  char *log = NULL;
  int status = serving_end(s, &log);
  if (status != 0 && log) print_error("the server's log:\n%s", log);
  free(log);
  return status;
}

/* A server that the tests of a group share: their state is a serving. */
static inline int serving_start_shared(void **state) {
  static serving s;
  s = serving_start(NULL);
  *state = &s;
  return 0;
}

static inline int serving_stop_shared(void **state) {
  return serving_stop(*state);
}

/* ---- The client ------------------------------------------------------------------------------- */

static inline int serving_connect(const serving *s) {
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)s->port)};
  struct timeval wait = {.tv_sec = 600};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  if (fd < 0) return -1;
  (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
  if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) return fd;
  close(fd);
  return -1;
}

/* False if the other side has closed. */
static inline bool serving_send(int fd, const char *bytes, size_t size) {
  for (size_t sent = 0; sent < size;) {
    ssize_t n = send(fd, bytes + sent, size - sent, MSG_NOSIGNAL);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    sent += (size_t)n;
  }
  return true;
}

typedef struct reply {
  int status; /* 0: the connection ended without one */
  char head[2048], *body;
  size_t size;
} reply;

/* Reads one answer. The body ends in a zero and is the caller's to free. */
static inline reply serving_read(int fd) {
  reply r = {0};
  size_t capacity = 4096;
  size_t used = 0;
  char *text = calloc(1, capacity + 1);
  char *end = NULL;
  size_t length = 0;
  while (text) {
    if (!end && (end = strstr(text, "\r\n\r\n"))) {
      const char *said = strcasestr(text, "\nContent-Length:");
      length = said && said < end ? (size_t)atoll(said + 16) : 0;
      end += 4;
    }
    if (end && used >= (size_t)(end - text) + length) break;
    if (used == capacity) {
      size_t at = end ? (size_t)(end - text) : 0;
      capacity *= 2;
      text = realloc(text, capacity + 1);
      if (end) end = text + at;
    }
    ssize_t n = recv(fd, text + used, capacity - used, 0);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) break;
    used += (size_t)n;
    text[used] = '\0';
  }
  if (text && end && used >= (size_t)(end - text) + length) {
    r.status = atoi(text + strlen("HTTP/1.1 "));
    r.size = length;
    (void)snprintf(r.head, sizeof r.head, "%.*s", (int)(end - text), text);
    r.body = calloc(1, length + 1);
    if (r.body) memcpy(r.body, end, length);
  }
  free(text);
  return r;
}

/* Sends a request on an open connection; `headers` are lines that end in \r\n, or "". */
static inline bool serving_ask(int fd, const char *method, const char *path, const char *headers, const char *body) {
  char head[1024];
  size_t length = body ? strlen(body) : 0;
  int size = snprintf(head, sizeof head, "%s %s HTTP/1.1\r\nHost: test\r\n%s", method, path, headers);
  if (body) {
    size += snprintf(head + size, sizeof head - (size_t)size,
                     "Content-Type: application/json\r\nContent-Length: %zu\r\n", length);
  }
  size += snprintf(head + size, sizeof head - (size_t)size, "\r\n");
  return serving_send(fd, head, (size_t)size) && (!body || serving_send(fd, body, length));
}

/* A request on a connection of its own. */
static inline reply serving_request(const serving *s, const char *method, const char *path, const char *headers,
                                    const char *body) {
  reply r = {0};
  int fd = serving_connect(s);
  if (fd < 0) return r;
  if (serving_ask(fd, method, path, headers, body)) r = serving_read(fd);
  close(fd);
  return r;
}

static inline reply serving_post(const serving *s, const char *path, const char *body) {
  return serving_request(s, "POST", path, "", body);
}

/* Asserts a status, and that the body holds `part`; frees the reply. */
static inline void serving_assert(reply *r, int status, const char *part) {
  if (r->status != status || (part && !strstr(r->body, part))) {
    fail_msg("expected %d with '%s', found %d: %s %s", status, part ? part : "", r->status, r->head,
             r->body ? r->body : "");
  }
  free(r->body);
  r->body = NULL;
}

/* Waits until /metrics holds a text. */
static inline void serving_wait(const serving *s, const char *text) {
  bool found = false;
  for (int i = 0; i < 2000 && !found; i++) {
    reply r = serving_request(s, "GET", "/metrics", "", NULL);
    found = r.body && strstr(r.body, text);
    free(r.body);
    if (!found) serving_sleep(0.01);
  }
  if (!found) fail_msg("/metrics never had %s", text);
}

/* Waits until the request that asks is the only one, and nothing holds memory for requests: soon after the clients of
 * those before it have read. */
static inline void serving_wait_idle(const serving *s) {
  serving_wait(s, "\nchronos2_requests_active 1\n");
  serving_wait(s, "\nchronos2_memory_bytes 0\n");
}

/* ---- What is sent ------------------------------------------------------------------------------ */

/* The beginning of a body with one series. */
#define ONE "{\"inputs\":[{\"target\":[1,2,3]"

/* {"inputs":[{"target":[...]} ...],"parameters":{PARAMETERS}}, the caller's to free: a few waves, each series its own.
 */
static inline char *serving_make_body(size_t series, size_t length, unsigned seed, const char *parameters) {
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  assert_non_null(out);
  (void)fputs("{\"inputs\":[", out);
  for (size_t i = 0; i < series; i++) {
    (void)fputs(i ? ",{\"target\":[" : "{\"target\":[", out);
    for (size_t t = 0; t < length; t++) {
      seed = seed * 1103515245u + 12345u;
      (void)fprintf(out, "%s%u.%u", t ? "," : "", (unsigned)(t % 24 + i), seed >> 16 & 1023);
    }
    (void)fputs("]}", out);
  }
  (void)fprintf(out, "],\"parameters\":{%s}}", parameters);
  assert_int_equal(fclose(out), 0);
  return text;
}

#endif

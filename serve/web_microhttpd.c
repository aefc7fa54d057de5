/* HTTP by libmicrohttpd: a few threads move bytes, and a connection whose request waits for a forecast is suspended.
 * The library limits how long a connection is silent, not how long it takes; that is watched here. */
#include <errno.h>
#include <fcntl.h>
#include <microhttpd.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/platform.h"
#include "base/text.h"
#include "serve/web.h"
#include "serve/log.h"

enum { MOST_THREADS = 4, TICKS = 10 /* a second */, BACKLOG = 1024, DISCARD = 4 /* bodies */ };
enum { LAST_WORDS = 5 }; /* seconds for those that are given up to be told so */
enum { LEAVE = 1 };      /* seconds for those that came while the server drained */

/* What a connection is waiting for. */
typedef enum phase { HEAD, BODY, FORECAST, SEND, NEXT } phase;

typedef struct peer {
  struct peer *next, *before;
  int descriptor;
  phase phase;
  double since;
  const c2_exchange *exchange; /* whose body is arriving, or NULL */
  bool is_cut;                 /* watch has ended it */
  c2_http_status told;         /* and has told the client so, or 0 */
} peer;

typedef struct http {
  c2_server *server;
  const c2_web_options *options;
  int listener;
  struct MHD_Daemon *daemon;
  pthread_mutex_t lock;
  peer *first; /* under the lock */
} http;

/* ---- Connections and their time -------------------------------------------------------------- */

static void note_connection(void *context, struct MHD_Connection *connection, void **socket_context,
                            enum MHD_ConnectionNotificationCode code) {
  http *h = context;
  if (code == MHD_CONNECTION_NOTIFY_STARTED) {
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_CONNECTION_FD);
    peer *p = calloc(1, sizeof *p);
    *socket_context = p; /* NULL: it is not watched, and refused at its first request */
    if (!p) return;
    p->descriptor = info ? info->connect_fd : -1;
    p->since = c2_clock_seconds();
    pthread_mutex_lock(&h->lock);
    p->next = h->first;
    if (h->first) h->first->before = p;
    h->first = p;
    pthread_mutex_unlock(&h->lock);
    return;
  }
  peer *p = *socket_context;
  if (!p) return;
  pthread_mutex_lock(&h->lock);
  *(p->before ? &p->before->next : &h->first) = p->next;
  if (p->next) p->next->before = p->before;
  pthread_mutex_unlock(&h->lock);
  free(p);
}

static peer *peer_of(struct MHD_Connection *connection) {
  const union MHD_ConnectionInfo *info = MHD_get_connection_info(connection, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
  return info ? info->socket_context : NULL;
}

static void enter(http *h, struct MHD_Connection *connection, phase next, const c2_exchange *exchange) {
  peer *p = peer_of(connection);
  if (!p) return;
  pthread_mutex_lock(&h->lock);
  p->phase = next;
  p->exchange = exchange;
  p->since = c2_clock_seconds();
  pthread_mutex_unlock(&h->lock);
}

/* What watch has told the client when it ended the connection, or 0. */
static int find_told(http *h, struct MHD_Connection *connection) {
  const peer *p = peer_of(connection);
  if (!p) return 0;
  pthread_mutex_lock(&h->lock);
  int told = (int)p->told;
  pthread_mutex_unlock(&h->lock);
  return told;
}

typedef struct field {
  const char *name, *value; /* value: NULL if the answer has no such field */
} field;

enum { FIELDS = 10, SECONDS_ROOM = 16 };

/* The fields of an answer's head; texts are the answer's, or lie in `seconds`. id: NULL for none. */
static void list_fields(const c2_answer *answer, const char *id, bool is_last, char seconds[SECONDS_ROOM],
                        field out[FIELDS]) {
  const field all[FIELDS] = {
      {MHD_HTTP_HEADER_CONTENT_TYPE, answer->type},
      {"X-Request-Id", id},
      {"Cache-Control", "no-store"},
      {"X-Content-Type-Options", "nosniff"},
      {"X-Chronos2-Warnings", answer->warnings},
      {"Content-Security-Policy", answer->policy},
      {MHD_HTTP_HEADER_ALLOW, answer->allow},
      {MHD_HTTP_HEADER_WWW_AUTHENTICATE, answer->status == C2_HTTP_UNAUTHORIZED ? "Bearer" : NULL},
      {MHD_HTTP_HEADER_RETRY_AFTER, answer->retry_after > 0 ? seconds : NULL},
      {MHD_HTTP_HEADER_CONNECTION, is_last ? "close" : NULL}};
  (void)snprintf(seconds, SECONDS_ROOM, "%d", answer->retry_after);
  memcpy(out, all, sizeof all);
}

/* A word to a client whose request is not there yet, past the library, which can't answer before. */
static void send_cut(const peer *p, c2_http_status status) {
  c2_answer answer = {.body = NULL};
  char seconds[SECONDS_ROOM];
  field fields[FIELDS];
  char *text = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&text, &size);
  if (!out) return;
  c2_answer_refuse(&answer, status, NULL,
                   status == C2_HTTP_TIMEOUT ? "the request did not arrive in time" : "the server is shutting down");
  list_fields(&answer, p->exchange ? c2_exchange_id(p->exchange) : NULL, true, seconds, fields);
  (void)fprintf(out, "HTTP/1.1 %d %s\r\nContent-Length: %zu\r\n", (int)answer.status, c2_http_reason(answer.status),
                answer.size);
  for (size_t i = 0; i < FIELDS; i++) {
    if (fields[i].value) (void)fprintf(out, "%s: %s\r\n", fields[i].name, fields[i].value);
  }
  (void)fprintf(out, "\r\n%.*s", (int)answer.size, answer.body);
  if (c2_text_close(out, &text)) (void)send(p->descriptor, text, size, MSG_DONTWAIT | MSG_NOSIGNAL);
  free(text);
  c2_answer_free(&answer);
}

/* Whether all that the client has sent was read, and nothing more will come. */
static bool has_ended(int descriptor) {
  char byte = 0;
  ssize_t n = recv(descriptor, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
  return n == 0 || (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
}

/* Ends connections that take too long, and with is_last all whose request is still arriving. The descriptors are open:
 * the library closes one after the notice that takes its connection out of the list. */
static void watch(http *h, bool is_last) {
  double now = c2_clock_seconds();
  pthread_mutex_lock(&h->lock);
  for (peer *p = h->first; p; p = p->next) {
    bool is_arriving = p->phase == HEAD || p->phase == BODY;
    bool is_late = p->phase != FORECAST && now - p->since >= h->options->seconds;
    if (p->is_cut) continue;
    if (!is_late && !(is_last && is_arriving)) {
      /* The library overlooks an end that comes with bytes, and is woken here; what has come it still reads. */
      if ((is_arriving || p->phase == NEXT) && has_ended(p->descriptor)) (void)shutdown(p->descriptor, SHUT_RD);
      continue;
    }
    p->is_cut = true;
    if (is_arriving) {
      p->told = is_late ? C2_HTTP_TIMEOUT : C2_HTTP_UNAVAILABLE;
      send_cut(p, p->told);
    }
    if (p->phase == HEAD) c2_server_count(h->server, p->told, now - p->since);
    (void)shutdown(p->descriptor, SHUT_RDWR);
  }
  pthread_mutex_unlock(&h->lock);
}

/* ---- Requests -------------------------------------------------------------------------------- */

static const char *header(struct MHD_Connection *connection, const char *name) {
  return MHD_lookup_connection_value(connection, MHD_HEADER_KIND, name);
}

/* Leaves what holds a %00 as it is: a zero would end the path before its end. */
static size_t unescape(void *context, struct MHD_Connection *connection, char *text) {
  (void)context;
  (void)connection;
  return strstr(text, "%00") ? strlen(text) : MHD_http_unescape(text);
}

/* The path of a target, which may begin with a scheme and an authority (RFC 9112, section 3.2.2). */
static const char *path_of(const char *target) {
  static const char *const schemes[] = {"http://", "https://"};
  for (size_t i = 0; i < 2; i++) {
    size_t size = strlen(schemes[i]);
    if (strncasecmp(target, schemes[i], size) != 0) continue;
    const char *path = strchr(target + size, '/');
    return path ? path : "/";
  }
  return target;
}

static const char *find_bearer(struct MHD_Connection *connection) {
  static const char bearer[] = "Bearer ";
  const char *text = header(connection, "Authorization");
  return text && strncasecmp(text, bearer, sizeof bearer - 1) == 0 ? text + sizeof bearer - 1 : NULL;
}

static int64_t find_length(struct MHD_Connection *connection) {
  const char *text = header(connection, MHD_HTTP_HEADER_CONTENT_LENGTH);
  char *end = NULL;
  errno = 0;
  long long length = text ? strtoll(text, &end, 10) : -1;
  return text && *text && !*end && !errno ? length : -1;
}

/* What says where a body ends. */
typedef struct framing {
  int lengths, codings;
  bool is_other; /* a transfer coding that libmicrohttpd doesn't know: it would wait for the end of the connection */
} framing;

static enum MHD_Result count_framing(void *context, enum MHD_ValueKind kind, const char *name, const char *value) {
  framing *f = context;
  (void)kind;
  f->lengths += strcasecmp(name, MHD_HTTP_HEADER_CONTENT_LENGTH) == 0;
  if (strcasecmp(name, MHD_HTTP_HEADER_TRANSFER_ENCODING) != 0) return MHD_YES;
  f->codings++;
  f->is_other = f->is_other || !value || strcasecmp(value, "chunked") != 0;
  return MHD_YES;
}

static framing find_framing(struct MHD_Connection *connection) {
  framing f = {.lengths = 0};
  (void)MHD_get_connection_values(connection, MHD_HEADER_KIND, count_framing, &f);
  return f;
}

static void wake(void *connection) {
  MHD_resume_connection(connection);
}

static void add_headers(const c2_server *server, const c2_exchange *exchange, const c2_answer *answer,
                        struct MHD_Response *response) {
  char seconds[SECONDS_ROOM];
  field fields[FIELDS];
  list_fields(answer, c2_exchange_id(exchange), c2_server_is_draining(server), seconds, fields);
  for (size_t i = 0; i < FIELDS; i++) {
    if (fields[i].value) (void)MHD_add_response_header(response, fields[i].name, fields[i].value);
  }
}

static enum MHD_Result send_answer(http *h, struct MHD_Connection *connection, c2_exchange *exchange) {
  c2_answer *answer = c2_exchange_answer(exchange);
  enum MHD_ResponseMemoryMode mode = answer->is_fixed || !answer->body ? MHD_RESPMEM_PERSISTENT : MHD_RESPMEM_MUST_FREE;
  struct MHD_Response *response = MHD_create_response_from_buffer(answer->size, answer->body, mode);
  if (!response) return MHD_NO;
  if (mode == MHD_RESPMEM_MUST_FREE) answer->body = NULL; /* the response's now */
  add_headers(h->server, exchange, answer, response);
  enter(h, connection, SEND, NULL);
  enum MHD_Result result = MHD_queue_response(connection, (unsigned)answer->status, response);
  MHD_destroy_response(response);
  return result;
}

/* The first line of a request has come. On a connection that is kept this begins its head; a first one began with the
 * connection. Returns what *request is at first. */
static void *note_line(void *context, const char *target, struct MHD_Connection *connection) {
  const peer *p = peer_of(connection);
  (void)target;
  if (p && p->phase == NEXT) enter(context, connection, HEAD, NULL);
  return NULL;
}

/* The headers have come. A body that isn't wanted is read all the same, unless it is long, its client asked first
 * or where it ends is not clear: a client that is still sending may not see the answer. */
static enum MHD_Result begin(http *h, struct MHD_Connection *connection, const char *url, const char *method,
                             c2_exchange **exchange) {
  const framing f = find_framing(connection);
  const c2_head head = {.method = method,
                        .path = path_of(url),
                        .bearer = find_bearer(connection),
                        .key = header(connection, "X-API-Key"),
                        .content_type = header(connection, MHD_HTTP_HEADER_CONTENT_TYPE),
                        .encoding = header(connection, MHD_HTTP_HEADER_CONTENT_ENCODING),
                        .has_query = MHD_get_connection_values(connection, MHD_GET_ARGUMENT_KIND, NULL, NULL) > 0,
                        .parameters = header(connection, "X-Chronos2-Parameters"),
                        .length = find_length(connection),
                        .is_ambiguous = f.lengths + f.codings > 1,
                        .is_coded = f.is_other};
  if (!peer_of(connection)) return MHD_NO;
  *exchange = c2_exchange_open(h->server, &head, wake, connection);
  if (!*exchange) return MHD_NO;
  enter(h, connection, BODY, *exchange);
  bool asked = header(connection, MHD_HTTP_HEADER_EXPECT) != NULL;
  bool is_long = head.length > 0 && (uint64_t)head.length / DISCARD > c2_server_body_limit(h->server);
  bool is_unwanted = asked || is_long || head.is_ambiguous || head.is_coded;
  return is_unwanted && c2_exchange_is_answered(*exchange) ? send_answer(h, connection, *exchange) : MHD_YES;
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url, const char *method,
                              const char *version, const char *upload, size_t *upload_size, void **request) {
  http *h = context;
  c2_exchange *exchange = *request;
  (void)version;
  if (!exchange) return begin(h, connection, url, method, (c2_exchange **)request);
  if (*upload_size > 0) {
    c2_exchange_take(exchange, upload, *upload_size);
    *upload_size = 0;
    return MHD_YES;
  }
  if (!c2_exchange_end(exchange)) return send_answer(h, connection, exchange);
  enter(h, connection, FORECAST, NULL);
  MHD_suspend_connection(connection);
  c2_exchange_submit(exchange);
  return MHD_YES;
}

static void note_completed(void *context, struct MHD_Connection *connection, void **request,
                           enum MHD_RequestTerminationCode code) {
  http *h = context;
  c2_exchange *exchange = *request;
  if (!exchange) return;
  enter(h, connection, NEXT, NULL); /* watch must not see the exchange any more */
  c2_exchange_close(&exchange, code == MHD_REQUEST_TERMINATED_COMPLETED_OK, find_told(h, connection));
  *request = NULL;
}

/* ---- Listening ------------------------------------------------------------------------------- */

/* The address and the port of "127.0.0.1:8080", "[::1]:8080" and ":8080". */
static c2_status split_address(const char *listen, char *host, size_t room, const char **port, c2_error *err) {
  const char *colon = strrchr(listen, ':');
  const char *begin = listen;
  size_t size = colon ? (size_t)(colon - listen) : 0;
  if (size >= 2 && *listen == '[' && listen[size - 1] == ']') {
    begin++;
    size -= 2;
  }
  if (!colon || !colon[1] || strspn(colon + 1, "0123456789") != strlen(colon + 1) || size + 1 > room) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "cannot listen: expected ADDRESS:PORT, as 127.0.0.1:8080, found '%.80s'", listen);
  }
  if (strtoul(colon + 1, NULL, 10) > UINT16_MAX) { /* getaddrinfo takes it modulo 65536 */
    C2_FAIL(err, C2_ERR_ARGUMENT, "cannot listen: expected a port of at most %d, found '%.80s'", UINT16_MAX, listen);
  }
  memcpy(host, begin, size);
  host[size] = '\0';
  *port = colon + 1;
  return C2_OK;
}

/* On failure the listener stays closed. Returns 0, or errno. */
static int try_listen(http *h, const struct addrinfo *at, bool all) {
  int one = 1;
  int zero = 0;
  h->listener = socket(at->ai_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (h->listener < 0) return errno;
  bool both = all && at->ai_family == AF_INET6; /* its addresses are IPv4's too then, whatever the default is */
  if (setsockopt(h->listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one) == 0 &&
      (!both || setsockopt(h->listener, IPPROTO_IPV6, IPV6_V6ONLY, &zero, sizeof zero) == 0) &&
      bind(h->listener, at->ai_addr, at->ai_addrlen) == 0 && listen(h->listener, BACKLOG) == 0) {
    return 0;
  }
  int reason = errno;
  (void)close(h->listener);
  h->listener = -1;
  return reason;
}

/* Without an address: at all of IPv6 and IPv4, or of IPv4 alone where the system has no IPv6. */
static c2_status listen_at(http *h, c2_error *err) {
  const struct addrinfo hints = {
      .ai_flags = AI_PASSIVE | AI_NUMERICSERV, .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
  struct addrinfo *found = NULL;
  const char *port = NULL;
  char host[256];
  C2_TRY(split_address(h->options->listen, host, sizeof host, &port, err));
  int reason = EAFNOSUPPORT;
  if (!host[0] && getaddrinfo("::", port, &hints, &found) == 0) {
    reason = try_listen(h, found, true);
    freeaddrinfo(found);
  }
  if (reason != 0 && reason != EADDRINUSE) { /* a port that IPv6 has given away isn't free */
    int failed = getaddrinfo(host[0] ? host : "0.0.0.0", port, &hints, &found);
    if (failed) C2_FAIL(err, C2_ERR_ARGUMENT, "cannot listen at %s: %s", h->options->listen, gai_strerror(failed));
    reason = try_listen(h, found, false);
    freeaddrinfo(found);
  }
  return reason ? c2_fail(err, C2_ERR_IO, "cannot listen at %s: %s", h->options->listen, strerror(reason)) : C2_OK;
}

static void log_address(const http *h) {
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  char host[256] = "";
  char port[16] = "";
  char text[300];
  if (getsockname(h->listener, (struct sockaddr *)&address, &size) == 0) {
    (void)getnameinfo((struct sockaddr *)&address, size, host, sizeof host, port, sizeof port,
                      NI_NUMERICHOST | NI_NUMERICSERV);
  }
  (void)snprintf(text, sizeof text, strchr(host, ':') ? "[%s]:%s" : "%s:%s", host, port);
  C2_LOG("info", "listening", C2_LOG_TEXT("address", text), C2_LOG_TEXT("model", c2_server_model(h->server)),
         C2_LOG_NUMBER("pid", getpid()));
}

static void log_library(void *context, const char *format, va_list args) {
  char text[512];
  (void)context;
  (void)vsnprintf(text, sizeof text, format, args);
  text[strcspn(text, "\n")] = '\0';
  C2_LOG("warning", "http", C2_LOG_TEXT("message", text));
}

/* As many open files as connections need, if the system allows it. */
static size_t raise_files(size_t connections) {
  struct rlimit files;
  enum { OWN = 64 };
  if (getrlimit(RLIMIT_NOFILE, &files) != 0) return connections;
  if (files.rlim_cur < connections + OWN && files.rlim_cur != RLIM_INFINITY) {
    files.rlim_cur = files.rlim_max == RLIM_INFINITY || files.rlim_max > connections + OWN ? (rlim_t)(connections + OWN)
                                                                                           : files.rlim_max;
    (void)setrlimit(RLIMIT_NOFILE, &files);
    (void)getrlimit(RLIMIT_NOFILE, &files);
  }
  if (files.rlim_cur == RLIM_INFINITY || files.rlim_cur >= connections + OWN) return connections;
  size_t most = files.rlim_cur > 2 * OWN ? (size_t)files.rlim_cur - OWN : OWN;
  C2_LOG("warning", "limit", C2_LOG_TEXT("message", "the system allows fewer open files than there may be connections"),
         C2_LOG_NUMBER("connections", most));
  return most;
}

static c2_status start(http *h, c2_error *err) {
  size_t connections = raise_files(h->options->connections);
  unsigned threads = (unsigned)c2_max_size(2, c2_min_size((size_t)c2_processor_count(), MOST_THREADS));
  struct sockaddr_storage address = {0};
  socklen_t size = sizeof address;
  (void)getsockname(h->listener, (struct sockaddr *)&address, &size);
  unsigned flags = MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME | MHD_USE_ERROR_LOG |
                   (address.ss_family == AF_INET6 ? MHD_USE_IPv6 : 0);
  h->daemon = MHD_start_daemon(flags, 0, NULL, NULL, handle, h, MHD_OPTION_EXTERNAL_LOGGER, log_library, NULL,
                               MHD_OPTION_LISTEN_SOCKET, h->listener, MHD_OPTION_THREAD_POOL_SIZE, threads,
                               MHD_OPTION_CONNECTION_LIMIT, (unsigned)c2_max_size(connections, threads),
                               MHD_OPTION_NOTIFY_CONNECTION, note_connection, h, MHD_OPTION_NOTIFY_COMPLETED,
                               note_completed, h, MHD_OPTION_STRICT_FOR_CLIENT, 1, MHD_OPTION_UNESCAPE_CALLBACK,
                               unescape, NULL, MHD_OPTION_URI_LOG_CALLBACK, note_line, h, MHD_OPTION_END);
  if (!h->daemon) C2_FAIL(err, C2_ERR_IO, "the HTTP server can't be started: %s", strerror(errno));
  return C2_OK;
}

/* ---- Running --------------------------------------------------------------------------------- */

static void list_signals(sigset_t *set) {
  (void)sigemptyset(set);
  (void)sigaddset(set, SIGTERM);
  (void)sigaddset(set, SIGINT);
}

void c2_web_hold_signals(void) {
  sigset_t set;
  list_signals(&set);
  (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
}

/* Waits for a tick or a signal; true for a signal. */
static bool wait_for_signal(void) {
  const struct timespec tick = {.tv_nsec = 1000000000 / TICKS};
  sigset_t set;
  list_signals(&set);
  return sigtimedwait(&set, NULL, &tick) > 0;
}

static void drain(http *h) {
  double began = c2_clock_seconds();
  c2_server_drain(h->server);
  C2_LOG("info", "draining", C2_LOG_NUMBER("active", c2_server_active(h->server)));
  bool is_over = false;
  while (c2_server_active(h->server) > 0 && !is_over) {
    is_over = wait_for_signal() || c2_clock_seconds() - began > h->options->grace;
    watch(h, false);
    c2_server_tick(h->server);
  }
  if (!is_over) return;
  C2_LOG("warning", "cancelling", C2_LOG_NUMBER("active", c2_server_active(h->server)));
  c2_server_cancel(h->server);
  for (began = c2_clock_seconds(); c2_server_active(h->server) > 0 && c2_clock_seconds() - began < LAST_WORDS;) {
    watch(h, true);
    (void)wait_for_signal();
  }
}

/* Whether a request is on its way to the server, or an answer to its client. */
static bool is_talking(http *h) {
  bool found = false;
  pthread_mutex_lock(&h->lock);
  for (const peer *p = h->first; p && !found; p = p->next) found = p->phase != NEXT;
  pthread_mutex_unlock(&h->lock);
  return found;
}

/* Takes the connections that wait, and no further one, and lets those that are there end what they have begun, unless
 * it takes long. The listener is the library's, whose own way to stop listening may abort while its threads do so. */
static void take_leave(http *h) {
  double began = c2_clock_seconds();
  struct sockaddr_storage address;
  socklen_t size = sizeof address;
  for (int fd = 0; (fd = accept(h->listener, (struct sockaddr *)&address, &size)) >= 0; size = sizeof address) {
    (void)MHD_add_connection(h->daemon, fd, (struct sockaddr *)&address, size); /* it closes what fails */
  }
  (void)shutdown(h->listener, SHUT_RD); /* a client is refused now, not kept waiting */
  do { /* for a moment at least, in which the library sees what has come */
    watch(h, false);
  } while (!wait_for_signal() && is_talking(h) && c2_clock_seconds() - began < LEAVE);
  watch(h, true);
}

bool c2_web_available(const char **how) {
  *how = "";
  return true;
}

c2_status c2_web_serve(c2_server *server, const c2_web_options *options, c2_error *err) {
  http h = {.server = server, .options = options, .listener = -1};
  (void)pthread_mutex_init(&h.lock, NULL);
  c2_status status = listen_at(&h, err);
  if (status == C2_OK) status = start(&h, err);
  if (status == C2_OK) {
    log_address(&h);
    while (!wait_for_signal()) {
      watch(&h, false);
      c2_server_tick(server);
    }
    drain(&h);
    take_leave(&h);
    c2_server_stop(server); /* no connection may be suspended when the library stops */
    MHD_stop_daemon(h.daemon);
    C2_LOG("info", "stopped", C2_LOG_NUMBER("active", c2_server_active(server)));
  }
  if (h.listener >= 0 && !h.daemon) (void)close(h.listener); /* else the library has done so */
  (void)pthread_mutex_destroy(&h.lock);
  return status;
}

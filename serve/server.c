/* Routes, limits, keys, and exchanges. */
#include "serve/server.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/platform.h"
#include "base/text.h"
#include "serve/keys.h"
#include "serve/log.h"
#include "serve/metrics.h"
#include "serve/protocol.h"

enum { ID_ROOM = 33, PATH_ROOM = 160 };

struct c2_server {
  const chronos2_model *model;
  const chronos2_config *config;
  c2_server_options options;
  c2_keys keys;
  c2_metrics metrics;
  c2_batcher *batcher;
  char name[17]; /* begins the exchanges' ids */
  atomic_uint_fast64_t number;
  atomic_size_t active, memory;
  atomic_bool is_draining;
};

/* ---- Answers that need no forecast ----------------------------------------------------------- */

static void answer_live(c2_server *server, c2_answer *answer) {
  static const char body[] = "{\"live\":true}";
  (void)server;
  c2_answer_fixed(answer, C2_HTTP_OK, "application/json", body, sizeof body - 1);
}

static void answer_ready(c2_server *server, c2_answer *answer) {
  static const char ready[] = "{\"ready\":true}";
  static const char draining[] = "{\"ready\":false}";
  if (c2_server_is_draining(server)) {
    c2_answer_fixed(answer, C2_HTTP_UNAVAILABLE, "application/json", draining, sizeof draining - 1);
  } else {
    c2_answer_fixed(answer, C2_HTTP_OK, "application/json", ready, sizeof ready - 1);
  }
}

/* The list of models, as {"models": [...]} or as an array. */
static void put_models(const c2_server *server, bool in_object, c2_answer *answer) {
  c2_answer_stream stream;
  c2_error err;
  if (c2_answer_open(&stream, &err) != C2_OK) {
    c2_answer_refuse_error(answer, NULL, &err);
    return;
  }
  if (in_object) c2_json_begin_object(&stream.json, NULL);
  c2_json_begin_array(&stream.json, in_object ? "models" : NULL);
  c2_json_put_text(&stream.json, NULL, server->options.limits.model);
  c2_json_end_array(&stream.json);
  if (in_object) c2_json_end_object(&stream.json);
  c2_answer_close(&stream, C2_HTTP_OK, answer);
}

static void answer_models(c2_server *server, c2_answer *answer) {
  put_models(server, true, answer);
}

static void answer_names(c2_server *server, c2_answer *answer) {
  put_models(server, false, answer);
}

static void answer_model(c2_server *server, c2_answer *answer) {
  c2_answer_stream stream;
  c2_error err;
  if (c2_answer_open(&stream, &err) != C2_OK) {
    c2_answer_refuse_error(answer, NULL, &err);
    return;
  }
  c2_json_begin_object(&stream.json, NULL);
  c2_json_put_text(&stream.json, "name", server->options.limits.model);
  c2_json_put_bool(&stream.json, "ready", !c2_server_is_draining(server));
  c2_json_end_object(&stream.json);
  c2_answer_close(&stream, c2_server_is_draining(server) ? C2_HTTP_UNAVAILABLE : C2_HTTP_OK, answer);
}

static void answer_metrics(c2_server *server, c2_answer *answer);

/* ---- Routes ---------------------------------------------------------------------------------- */

typedef struct route {
  const char *path;            /* "{model}" stands for the model's name */
  bool is_open;                /* no key is asked for, and it is answered while the server drains */
  const c2_protocol *protocol; /* POST; NULL: GET, and `answer` is called */
  void (*answer)(c2_server *server, c2_answer *answer);
} route;

static const route routes[] = {
    {"/invocations", false, &c2_sagemaker, NULL},
    {"/v1/timeseries/forecast", false, &c2_kserve, NULL},
    {"/v1/timeseries/models", false, NULL, answer_names},
    {"/v1/models", false, NULL, answer_models},
    {"/v1/models/{model}", true, NULL, answer_model},
    {"/v2/models/{model}/ready", true, NULL, answer_ready},
    {"/v2/health/ready", true, NULL, answer_ready},
    {"/v2/health/live", true, NULL, answer_live},
    {"/healthz", true, NULL, answer_live},
    {"/ping", true, NULL, answer_ready},
    {"/metrics", false, NULL, answer_metrics},
};
enum { ROUTES = sizeof routes / sizeof routes[0], NO_ROUTE = ROUTES };
_Static_assert((int)ROUTES < (int)C2_METRICS_ROUTES, "each route and what has none is counted");

static const char *route_name(size_t index) {
  return index < ROUTES ? routes[index].path : "none";
}

static bool matches(const char *path, const char *pattern, const char *model) {
  const char *name = strchr(pattern, '{');
  if (!name) return strcmp(path, pattern) == 0;
  size_t before = (size_t)(name - pattern);
  size_t size = strlen(model);
  return strncmp(path, pattern, before) == 0 && strncmp(path + before, model, size) == 0 &&
         strcmp(path + before + size, strchr(name, '}') + 1) == 0;
}

static size_t find_route(const c2_server *server, const char *path) {
  size_t i = 0;
  while (i < ROUTES && !matches(path, routes[i].path, server->options.limits.model)) i++;
  return i;
}

static void answer_metrics(c2_server *server, c2_answer *answer) {
  const char *names[ROUTES + 1];
  const c2_gauge gauges[] = {
      {"chronos2_requests_active", "Requests that are not answered yet.", (double)c2_server_active(server)},
      {"chronos2_queue_requests", "Requests that wait for a batch.", (double)c2_batcher_waiting(server->batcher)},
      {"chronos2_workers_busy", "Workers that forecast.", (double)atomic_load(&server->metrics.busy)},
      {"chronos2_memory_bytes", "Bodies, series and results of requests.", (double)atomic_load(&server->memory)},
      {"chronos2_peak_resident_bytes", "Most memory that the process has had.", (double)c2_peak_resident_bytes()},
  };
  for (size_t i = 0; i <= ROUTES; i++) names[i] = route_name(i);
  c2_metrics_write(&server->metrics, names, ROUTES + 1, gauges, sizeof gauges / sizeof gauges[0], answer);
}

/* ---- The server ------------------------------------------------------------------------------ */

c2_status c2_server_open(c2_server **out, const chronos2_model *model, const c2_server_options *options,
                         c2_error *err) {
  unsigned char random[8] = {0};
  c2_server *s = NULL;
  *out = NULL;
  C2_TRY(c2_alloc_array(1, sizeof *s, &s, err));
  c2_status status = C2_OK;
  s->model = model;
  s->config = chronos2_model_config(model);
  s->options = *options;
  (void)c2_random_bytes(random, sizeof random);
  for (size_t i = 0; i < sizeof random; i++) (void)snprintf(s->name + 2 * i, 3, "%02x", random[i]);
  if (options->keys) C2_GOTO(c2_keys_read(&s->keys, options->keys, err));
  C2_GOTO(c2_batcher_open(&s->batcher, model, &options->batcher, &s->metrics, err));
  *out = s;
  return C2_OK;
fail:
  c2_server_close(&s);
  return status;
}

void c2_server_close(c2_server **server) {
  c2_server *s = *server;
  if (!s) return;
  c2_batcher_close(&s->batcher);
  c2_keys_free(&s->keys);
  free(s);
  *server = NULL;
}

void c2_server_drain(c2_server *server) {
  atomic_store(&server->is_draining, true);
}

bool c2_server_is_draining(const c2_server *server) {
  return atomic_load(&server->is_draining);
}

size_t c2_server_active(const c2_server *server) {
  return atomic_load(&server->active);
}

void c2_server_tick(c2_server *server) {
  c2_batcher_expire(server->batcher, c2_clock_seconds());
}

void c2_server_cancel(c2_server *server) {
  c2_batcher_cancel(server->batcher);
}

void c2_server_stop(c2_server *server) {
  c2_batcher_stop(server->batcher);
}

size_t c2_server_body_limit(const c2_server *server) {
  return server->options.body;
}

void c2_server_count(c2_server *server, c2_http_status status, double seconds) {
  c2_metrics_count(&server->metrics, NO_ROUTE, status, seconds);
}

/* ---- Exchanges ------------------------------------------------------------------------------- */

struct c2_exchange {
  c2_server *server;
  size_t route;
  char id[ID_ROOM], path[PATH_ROOM], method[16];
  double began;
  char *body;
  size_t size, capacity, received;
  size_t held; /* of the server's memory */
  c2_call call;
  c2_job job;
  c2_answer answer;
  bool is_answered, is_submitted;
  void (*wake)(void *connection);
  void *connection;
};

/* Makes an exchange hold so much of the server's memory. */
static bool hold(c2_exchange *e, size_t bytes) {
  if (bytes > e->held) {
    size_t more = bytes - e->held;
    size_t before = atomic_fetch_add(&e->server->memory, more);
    if (before + more > e->server->options.memory) {
      atomic_fetch_sub(&e->server->memory, more);
      return false;
    }
  } else {
    atomic_fetch_sub(&e->server->memory, e->held - bytes);
  }
  e->held = bytes;
  return true;
}

static void refuse(c2_exchange *e, c2_http_status status, const char *text) {
  c2_answer_refuse(&e->answer, status, NULL, "%s", text);
  e->is_answered = true;
}

/* What others hold may be free again soon; what one request would hold alone is too much for ever. */
static void refuse_memory(c2_exchange *e, size_t bytes) {
  if (bytes <= e->server->options.memory) {
    refuse(e, C2_HTTP_TOO_MANY, "the requests that are being answered hold all the memory there is for them");
    return;
  }
  c2_answer_refuse(&e->answer, C2_HTTP_TOO_LARGE, NULL, "series and results would take %zu bytes, expected at most %zu",
                   bytes, e->server->options.memory);
  e->is_answered = true;
}

static void refuse_size(c2_exchange *e) {
  c2_answer_refuse(&e->answer, C2_HTTP_TOO_LARGE, NULL, "expected a body of at most %zu bytes",
                   e->server->options.body);
  e->is_answered = true;
}

static bool is_json(const char *type) {
  static const char json[] = "application/json";
  size_t size = sizeof json - 1;
  return type && strncasecmp(type, json, size) == 0 && strchr(" ;\t", type[size]);
}

static void check_head(c2_exchange *e, const c2_head *head) {
  c2_server *s = e->server;
  const route *r = e->route < ROUTES ? &routes[e->route] : NULL;
  if (!r) {
    c2_answer_refuse(&e->answer, C2_HTTP_NOT_FOUND, NULL, "there is nothing at %.100s", e->path);
    e->is_answered = true;
    return;
  }
  bool is_get = strcmp(head->method, "GET") == 0 || strcmp(head->method, "HEAD") == 0;
  if (r->protocol ? strcmp(head->method, "POST") != 0 : !is_get) {
    refuse(e, C2_HTTP_NOT_ALLOWED, r->protocol ? "expected the method POST" : "expected the method GET");
    e->answer.allow = r->protocol ? "POST" : "GET, HEAD";
    return;
  }
  if (!r->is_open && !c2_keys_allow(&s->keys, head->key)) {
    refuse(e, C2_HTTP_UNAUTHORIZED, "expected an API key: Authorization: Bearer KEY, or X-API-Key: KEY");
    return;
  }
  if (!r->is_open && c2_server_is_draining(s)) {
    refuse(e, C2_HTTP_UNAVAILABLE, "the server is shutting down");
    return;
  }
  if (!r->protocol) return;
  if (!is_json(head->content_type)) {
    refuse(e, C2_HTTP_MEDIA_TYPE, "expected Content-Type: application/json");
  } else if (head->length > 0 && (uint64_t)head->length > s->options.body) {
    refuse_size(e);
  }
}

c2_exchange *c2_exchange_open(c2_server *server, const c2_head *head, void (*wake)(void *connection),
                              void *connection) {
  c2_exchange *e = calloc(1, sizeof *e);
  if (!e) return NULL;
  e->server = server;
  e->began = c2_clock_seconds();
  e->wake = wake;
  e->connection = connection;
  (void)snprintf(e->id, sizeof e->id, "%s%08llx", server->name,
                 (unsigned long long)atomic_fetch_add(&server->number, 1) & 0xffffffffu);
  c2_text_escape(e->path, sizeof e->path, head->path);
  c2_text_escape(e->method, sizeof e->method, head->method);
  e->route = find_route(server, head->path);
  atomic_fetch_add(&server->active, 1);
  check_head(e, head);
  return e;
}

bool c2_exchange_is_answered(const c2_exchange *e) {
  return e->is_answered;
}

static void drop_body(c2_exchange *e) {
  free(e->body);
  e->body = NULL;
  e->size = 0;
  e->capacity = 0;
  (void)hold(e, 0);
}

void c2_exchange_take(c2_exchange *e, const char *bytes, size_t size) {
  c2_error err;
  e->received += size;
  if (e->is_answered || !routes[e->route].protocol) return;
  if (size > e->server->options.body - e->size) {
    drop_body(e);
    refuse_size(e);
    return;
  }
  size_t need = e->size + size + 1; /* the parser wants a byte to spare */
  if (need > e->capacity && !hold(e, 2 * need)) {
    drop_body(e);
    refuse_memory(e, 2 * need);
    return;
  }
  if (c2_grow_array(&e->body, &e->capacity, need, 1, &err) != C2_OK) {
    drop_body(e);
    refuse(e, C2_HTTP_UNAVAILABLE, err.text);
    return;
  }
  memcpy(e->body + e->size, bytes, size);
  e->size += size;
}

/* What the series and the result take: values, and the result once more as text. */
static size_t bytes_of(const c2_call *call) {
  size_t bytes = 4 * c2_call_bytes(call);
  for (size_t i = 0; i < call->set.count; i++) {
    bytes += 8 * call->series[i].length * (call->series[i].targets + call->series[i].covariates);
  }
  return bytes;
}

static void finish_job(c2_job *job) {
  c2_exchange *e = job->owner;
  e->wake(e->connection);
}

bool c2_exchange_end(c2_exchange *e) {
  c2_server *s = e->server;
  if (e->is_answered || e->is_submitted) return false;
  const route *r = &routes[e->route];
  if (!r->protocol) {
    r->answer(s, &e->answer);
    e->is_answered = true;
    return false;
  }
  if (e->size == 0) {
    refuse(e, C2_HTTP_BAD_REQUEST, "expected a JSON object, found an empty body");
    return false;
  }
  e->is_answered =
      !c2_protocol_read(r->protocol, e->body, e->size, &s->options.limits, s->config, &e->call, &e->answer);
  drop_body(e);
  if (e->is_answered) return false;
  size_t bytes = bytes_of(&e->call);
  if (!hold(e, bytes)) {
    refuse_memory(e, bytes);
    return false;
  }
  c2_error err;
  if (c2_call_make_room(&e->call, &err) != C2_OK) {
    refuse(e, C2_HTTP_UNAVAILABLE, err.text);
    return false;
  }
  e->job =
      (c2_job){.call = &e->call, .deadline = c2_clock_seconds() + s->options.seconds, .done = finish_job, .owner = e};
  return true;
}

void c2_exchange_submit(c2_exchange *e) {
  e->is_submitted = true;
  if (c2_batcher_add(e->server->batcher, &e->job)) return;
  if (c2_server_is_draining(e->server)) {
    refuse(e, C2_HTTP_UNAVAILABLE, "the server is shutting down");
  } else {
    refuse(e, C2_HTTP_TOO_MANY, "the queue is full");
  }
  e->wake(e->connection);
}

c2_answer *c2_exchange_answer(c2_exchange *e) {
  const c2_job *job = &e->job;
  char where[32] = "";
  if (e->is_answered) return &e->answer;
  e->is_answered = true;
  if (job->is_late) {
    c2_answer_refuse(&e->answer, C2_HTTP_UNAVAILABLE, NULL,
                     c2_server_is_draining(e->server) ? "the server is shutting down"
                                                      : "there was no time for a forecast: try again later");
  } else if (job->status == C2_OK) {
    c2_protocol_write(routes[e->route].protocol, &e->call, e->server->config, &e->answer);
  } else if (job->status == C2_ERR_MODEL && job->failed < e->call.set.count) {
    (void)snprintf(where, sizeof where, "inputs[%zu]", job->failed);
    c2_answer_refuse(&e->answer, C2_HTTP_BAD_REQUEST, where,
                     "%s: the forecast is not finite: its values lie at the end of the range that numbers have", where);
  } else {
    c2_answer_refuse_error(&e->answer, NULL, &job->err);
  }
  return &e->answer;
}

const char *c2_exchange_id(const c2_exchange *e) {
  return e->id;
}

static void log_exchange(const c2_exchange *e, int status, double seconds) {
  const char *level = status >= 500 ? "error" : status >= 400 || status == 0 ? "warning" : "info";
  if (e->server->options.errors_only && status >= 200 && status < 400) return;
  C2_LOG(level, status == 0 ? "client_gone" : "request", C2_LOG_TEXT("id", e->id), C2_LOG_TEXT("method", e->method),
         C2_LOG_TEXT("path", e->path), C2_LOG_NUMBER("status", status), C2_LOG_NUMBER("seconds", seconds),
         C2_LOG_NUMBER("bytes_in", e->received), C2_LOG_NUMBER("bytes_out", e->answer.size),
         C2_LOG_NUMBER("series", e->call.set.count), C2_LOG_NUMBER("horizon", e->call.pass.horizon));
}

void c2_exchange_close(c2_exchange **exchange, bool sent, int status) {
  c2_exchange *e = *exchange;
  if (!e) return;
  double seconds = c2_clock_seconds() - e->began;
  if (sent) status = (int)e->answer.status;
  if (status != 0) c2_metrics_count(&e->server->metrics, e->route, (c2_http_status)status, seconds);
  log_exchange(e, status, seconds);
  (void)hold(e, 0);
  c2_call_free(&e->call);
  c2_answer_free(&e->answer);
  free(e->body);
  atomic_fetch_sub(&e->server->active, 1);
  free(e);
  *exchange = NULL;
}

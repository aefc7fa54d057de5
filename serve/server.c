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
#include "data/ipc.h"
#include "page/page.h"
#include "serve/arrow.h"
#include "serve/keys.h"
#include "serve/log.h"
#include "serve/metrics.h"
#include "serve/protocol.h"
#include "serve/scenarios.h"

enum { ID_ROOM = 33, PATH_ROOM = 160 };

struct c2_server {
  const chronos2_model *model;
  const chronos2_config *config;
  c2_server_options options;
  c2_keys keys;
  c2_metrics metrics;
  c2_batcher *batcher;
  c2_contexts *contexts;
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

static void put_part(c2_answer *answer, const char *type, const unsigned char *part) {
  c2_answer_fixed(answer, C2_HTTP_OK, type, (const char *)part, strlen((const char *)part));
}

static void answer_page(c2_server *server, c2_answer *answer) {
  (void)server;
  put_part(answer, "text/html; charset=utf-8", c2_page_serve_html);
  answer->policy =
      "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; base-uri 'none'; form-action "
      "'none'; "
      "frame-ancestors 'none'";
}

static void answer_style(c2_server *server, c2_answer *answer) {
  (void)server;
  put_part(answer, "text/css; charset=utf-8", c2_page_page_css);
}

static void answer_chart(c2_server *server, c2_answer *answer) {
  (void)server;
  put_part(answer, "text/javascript; charset=utf-8", c2_page_chart_js);
}

static void answer_charts(c2_server *server, c2_answer *answer) {
  (void)server;
  put_part(answer, "text/javascript; charset=utf-8", c2_page_charts_js);
}

static void answer_script(c2_server *server, c2_answer *answer) {
  (void)server;
  put_part(answer, "text/javascript; charset=utf-8", c2_page_serve_js);
}

static void answer_metrics(c2_server *server, c2_answer *answer);

/* ---- Routes ---------------------------------------------------------------------------------- */

/* What becomes of a request. */
typedef enum action {
  ANSWER,   /* GET: the route's function answers */
  FORECAST, /* POST: its protocol's body */
  ENCODE,   /* POST: a context is kept */
  DECODE,   /* POST: forecasts of a kept context */
  DROP      /* DELETE: a kept context */
} action;

typedef struct route {
  const char *path; /* "{model}" stands for the model's name, "{id}" for a context's */
  bool is_open;     /* no key is asked for, and it is answered while the server drains */
  action action;
  const c2_protocol *protocol;
  void (*answer)(c2_server *server, c2_answer *answer);
} route;

static const route routes[] = {
    {"/invocations", false, FORECAST, &c2_sagemaker, NULL},
    {"/v1/timeseries/forecast", false, FORECAST, &c2_kserve, NULL},
    {"/v1/contexts", false, ENCODE, &c2_sagemaker, NULL},
    {"/v1/contexts/{id}/forecast", false, DECODE, NULL, NULL},
    {"/v1/contexts/{id}", false, DROP, NULL, NULL},
    {"/v1/timeseries/models", false, ANSWER, NULL, answer_names},
    {"/v1/models", false, ANSWER, NULL, answer_models},
    {"/v1/models/{model}", true, ANSWER, NULL, answer_model},
    {"/v2/models/{model}/ready", true, ANSWER, NULL, answer_ready},
    {"/v2/health/ready", true, ANSWER, NULL, answer_ready},
    {"/v2/health/live", true, ANSWER, NULL, answer_live},
    {"/healthz", true, ANSWER, NULL, answer_live},
    {"/ping", true, ANSWER, NULL, answer_ready},
    {"/", true, ANSWER, NULL, answer_page},
    {"/page.css", true, ANSWER, NULL, answer_style},
    {"/chart.js", true, ANSWER, NULL, answer_chart},
    {"/charts.js", true, ANSWER, NULL, answer_charts},
    {"/serve.js", true, ANSWER, NULL, answer_script},
    {"/metrics", false, ANSWER, NULL, answer_metrics},
};
enum { ROUTES = sizeof routes / sizeof routes[0], NO_ROUTE = ROUTES };
_Static_assert((int)ROUTES < (int)C2_METRICS_ROUTES, "each route and what has none is counted");

static const char *route_name(size_t index) {
  return index < ROUTES ? routes[index].path : "none";
}

static bool takes_body(const route *r) {
  return r->action == FORECAST || r->action == ENCODE || r->action == DECODE;
}

/* Whether a path is the pattern's. `id` receives what stands where it has {id}. */
static bool matches(const char *path, const char *pattern, const char *model, char id[C2_CONTEXT_ID_ROOM]) {
  const char *name = strchr(pattern, '{');
  if (!name) return strcmp(path, pattern) == 0;
  const char *behind = strchr(name, '}') + 1;
  size_t before = (size_t)(name - pattern);
  size_t size = strlen(path);
  size_t rest = strlen(behind);
  if (size < before + rest || strncmp(path, pattern, before) != 0) return false;
  if (strcmp(path + size - rest, behind) != 0) return false;
  size_t given = size - before - rest;
  path += before;
  if (name[1] == 'm') return strlen(model) == given && strncmp(path, model, given) == 0;
  if (given != C2_CONTEXT_ID_ROOM - 1 || strspn(path, "0123456789abcdef") < given) return false;
  memcpy(id, path, given);
  id[given] = '\0';
  return true;
}

static size_t find_route(const c2_server *server, const char *path, char id[C2_CONTEXT_ID_ROOM]) {
  size_t i = 0;
  while (i < ROUTES && !matches(path, routes[i].path, server->options.limits.model, id)) i++;
  return i;
}

static void answer_metrics(c2_server *server, c2_answer *answer) {
  const char *names[ROUTES + 1];
  size_t bytes = 0;
  size_t contexts = c2_contexts_count(server->contexts, &bytes);
  const c2_gauge gauges[] = {
      {"chronos2_requests_active", "Requests that are not answered yet.", (double)c2_server_active(server)},
      {"chronos2_queue_requests", "Requests that wait for a batch.", (double)c2_batcher_waiting(server->batcher)},
      {"chronos2_workers_busy", "Workers that forecast.", (double)atomic_load(&server->metrics.busy)},
      {"chronos2_memory_bytes", "Bodies, series and results of requests.", (double)atomic_load(&server->memory)},
      {"chronos2_contexts", "Contexts that are kept.", (double)contexts},
      {"chronos2_contexts_bytes", "Memory that they hold.", (double)bytes},
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
  s->options.limits.values = options->body; /* so that parsing takes 20 times the largest body, as it does of JSON */
  (void)c2_random_bytes(random, sizeof random);
  for (size_t i = 0; i < sizeof random; i++) (void)snprintf(s->name + 2 * i, 3, "%02x", random[i]);
  if (options->keys) C2_GOTO(c2_keys_read(&s->keys, options->keys, err));
  C2_GOTO(c2_contexts_open(&s->contexts, options->contexts, err));
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
  c2_contexts_close(&s->contexts);
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

const char *c2_server_model(const c2_server *server) {
  return server->options.limits.model;
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
  size_t held;                      /* of the server's memory */
  char context[C2_CONTEXT_ID_ROOM]; /* of the path */
  c2_kept *kept;                    /* in use until the end */
  c2_call call;
  c2_job job;
  c2_answer answer;
  bool is_answered, is_submitted;
  bool is_arrow;    /* the body and the answer */
  char *parameters; /* of an Arrow body, or NULL */
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

static bool is_type(const char *type, const char *expected) {
  size_t size = strlen(expected);
  return type && strncasecmp(type, expected, size) == 0 && strchr(" ;\t", type[size]);
}

/* Notes what the body is to be read as, or refuses it. */
static void check_type(c2_exchange *e, const c2_head *head) {
  const char *how = NULL;
  bool takes_arrow = routes[e->route].action == FORECAST && routes[e->route].protocol == &c2_sagemaker;
  if (is_type(head->content_type, "application/json")) {
    if (head->parameters) {
      refuse(e, C2_HTTP_BAD_REQUEST, "X-Chronos2-Parameters is of Arrow bodies: JSON holds its own");
    }
    return;
  }
  if (!takes_arrow || !is_type(head->content_type, C2_ARROW_TYPE)) {
    refuse(e, C2_HTTP_MEDIA_TYPE,
           takes_arrow ? "expected Content-Type: application/json or " C2_ARROW_TYPE
                       : "expected Content-Type: application/json");
  } else if (!c2_ipc_available(&how)) {
    refuse(e, C2_HTTP_MEDIA_TYPE, how);
  } else {
    e->is_arrow = true;
    e->parameters = head->parameters ? strdup(head->parameters) : NULL;
    if (head->parameters && !e->parameters) refuse(e, C2_HTTP_UNAVAILABLE, "out of memory");
  }
}

static void check_head(c2_exchange *e, const c2_head *head) {
  c2_server *s = e->server;
  const route *r = e->route < ROUTES ? &routes[e->route] : NULL;
  if (head->is_ambiguous) { /* a proxy before this server may have taken its body to end elsewhere */
    refuse(e, C2_HTTP_BAD_REQUEST, "expected one Content-Length, or Transfer-Encoding without one");
    return;
  }
  if (!r) {
    c2_answer_refuse(&e->answer, C2_HTTP_NOT_FOUND, NULL, "there is nothing at %.100s", e->path);
    e->is_answered = true;
    return;
  }
  const char *method = takes_body(r) ? "POST" : r->action == DROP ? "DELETE" : "GET";
  bool is_head = r->action == ANSWER && strcmp(head->method, "HEAD") == 0;
  if (strcmp(head->method, method) != 0 && !is_head) {
    c2_answer_refuse(&e->answer, C2_HTTP_NOT_ALLOWED, NULL, "expected the method %s", method);
    e->is_answered = true;
    e->answer.allow = r->action == ANSWER ? "GET, HEAD" : method;
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
  if (!takes_body(r)) return;
  if (head->has_query) {
    refuse(e, C2_HTTP_BAD_REQUEST, "expected no parameters behind the path: they are part of the body");
    return;
  }
  if (head->encoding && strcasecmp(head->encoding, "identity") != 0) {
    refuse(e, C2_HTTP_MEDIA_TYPE, "expected a body without Content-Encoding: it must not be compressed");
    return;
  }
  check_type(e, head);
  if (!e->is_answered && head->length > 0 && (uint64_t)head->length > s->options.body) refuse_size(e);
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
  e->route = find_route(server, head->path, e->context);
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

/* Makes room for a body of `size` bytes, and as much again where --max-body allows it. False: it is answered. */
static bool make_room(c2_exchange *e, size_t size) {
  size_t room = c2_min_size(2 * size, e->server->options.body);
  if (!hold(e, room)) {
    drop_body(e);
    refuse_memory(e, room);
    return false;
  }
  char *body = realloc(e->body, room + 1); /* the parser wants a byte to spare */
  if (!body) {
    drop_body(e);
    refuse(e, C2_HTTP_UNAVAILABLE, "out of memory");
    return false;
  }
  e->body = body;
  e->capacity = room;
  return true;
}

void c2_exchange_take(c2_exchange *e, const char *bytes, size_t size) {
  e->received += size;
  if (e->is_answered || !takes_body(&routes[e->route])) return;
  if (size > e->server->options.body - e->size) {
    drop_body(e);
    refuse_size(e);
    return;
  }
  if (e->size + size > e->capacity && !make_room(e, e->size + size)) return;
  memcpy(e->body + e->size, bytes, size);
  e->size += size;
}

/* What the series and the result take: values, and the result once more as it is written. */
static size_t bytes_of(const c2_call *call, bool is_arrow) {
  size_t values = c2_call_bytes(call);
  size_t bytes = is_arrow ? c2_arrow_bytes(call) : 3 * values;
  c2_sum_up(&bytes, 1, values);
  c2_sum_up(&bytes, 1, c2_call_held(call));
  return bytes;
}

static void finish_job(c2_job *job) {
  c2_exchange *e = job->owner;
  e->wake(e->connection);
}

static void refuse_context(c2_exchange *e) {
  refuse(e, C2_HTTP_NOT_FOUND, "there is no such context: it was deleted, or others took its place");
}

/* What needs no forecast. */
static void answer_now(c2_exchange *e) {
  c2_server *s = e->server;
  const route *r = &routes[e->route];
  if (r->action == ANSWER) {
    r->answer(s, &e->answer);
  } else if (c2_contexts_drop(s->contexts, e->context)) {
    c2_answer_fixed(&e->answer, C2_HTTP_NO_CONTENT, NULL, NULL, 0);
  } else {
    refuse_context(e);
  }
  e->is_answered = true;
}

/* Reads the body as a call. False: it is answered. */
static bool read_body(c2_exchange *e) {
  c2_server *s = e->server;
  const route *r = &routes[e->route];
  const c2_limits *limits = &s->options.limits;
  if (e->size == 0) {
    refuse(e, C2_HTTP_BAD_REQUEST,
           e->is_arrow ? "expected a stream of Arrow, found an empty body"
                       : "expected a JSON object, found an empty body");
    return false;
  }
  if (r->action == DECODE) {
    e->kept = c2_contexts_take(s->contexts, e->context);
    if (!e->kept) {
      refuse_context(e);
      return false;
    }
    return c2_scenarios_read(e->kept, e->body, e->size, limits, s->config, &e->call, &e->answer);
  }
  if (e->is_arrow) return c2_arrow_read(e->body, e->size, e->parameters, limits, s->config, &e->call, &e->answer);
  return c2_protocol_read(r->protocol, e->body, e->size, limits, s->config, &e->call, &e->answer) &&
         (r->action != ENCODE || c2_scenarios_encode(&e->call, s->model, &e->answer));
}

bool c2_exchange_end(c2_exchange *e) {
  static const c2_work work[] = {[FORECAST] = C2_WORK_PREDICT, [ENCODE] = C2_WORK_ENCODE, [DECODE] = C2_WORK_DECODE};
  c2_server *s = e->server;
  c2_error err;
  if (e->is_answered || e->is_submitted) return false;
  const route *r = &routes[e->route];
  if (!takes_body(r)) {
    answer_now(e);
    return false;
  }
  e->is_answered = !read_body(e);
  drop_body(e);
  if (e->is_answered) return false;
  if (c2_call_note_pattern(&e->call, s->model, &err) != C2_OK) {
    refuse(e, C2_HTTP_UNAVAILABLE, err.text);
    return false;
  }
  size_t bytes = bytes_of(&e->call, e->is_arrow);
  if (!hold(e, bytes)) {
    refuse_memory(e, bytes);
    return false;
  }
  if (r->action != ENCODE && c2_call_make_room(&e->call, &err) != C2_OK) {
    refuse(e, C2_HTTP_UNAVAILABLE, err.text);
    return false;
  }
  e->job = (c2_job){.call = &e->call,
                    .work = work[r->action],
                    .context = e->kept ? e->kept->context : NULL,
                    .deadline = c2_clock_seconds() + s->options.seconds,
                    .done = finish_job,
                    .owner = e};
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

/* The answer of a job that has ended well. */
static void answer_result(c2_exchange *e) {
  const route *r = &routes[e->route];
  c2_error err;
  if (r->action != ENCODE && c2_call_note_coarse(&e->call, &err) != C2_OK) {
    c2_answer_refuse_error(&e->answer, NULL, &err);
  } else if (e->is_arrow) {
    c2_arrow_write(&e->call, &e->answer);
  } else if (r->action == FORECAST) {
    c2_protocol_write(r->protocol, &e->call, e->server->config, &e->answer);
  } else if (r->action == DECODE) {
    c2_scenarios_write(e->kept, &e->call, &e->answer);
  } else if (c2_contexts_add(e->server->contexts, &e->call, &e->job.context, &e->kept, &err) == C2_OK) {
    c2_scenarios_put_kept(e->kept, &e->answer);
  } else if (err.code == C2_ERR_ARGUMENT) {
    refuse(e, C2_HTTP_TOO_LARGE, err.text);
  } else {
    c2_answer_refuse_error(&e->answer, NULL, &err);
  }
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
    answer_result(e);
  } else if (job->status == C2_ERR_MODEL) {
    if (job->failed < e->call.count) (void)snprintf(where, sizeof where, "inputs[%zu]", job->failed);
    c2_answer_refuse(&e->answer, C2_HTTP_BAD_REQUEST, where,
                     "%s: the forecast is not finite: its values lie at the end of the range that numbers have",
                     where[0] ? where : "the body");
  } else {
    c2_answer_refuse_error(&e->answer, NULL, &job->err);
  }
  return &e->answer;
}

const char *c2_exchange_id(const c2_exchange *e) {
  return e->id;
}

static void log_exchange(const c2_exchange *e, int status, double seconds) {
  const c2_call *call = e->kept && e->call.count == 0 ? &e->kept->call : &e->call;
  const char *level = status >= 500 ? "error" : status >= 400 || status == 0 ? "warning" : "info";
  if (e->server->options.errors_only && status >= 200 && status < 400) return;
  C2_LOG(level, status == 0 ? "client_gone" : "request", C2_LOG_TEXT("id", e->id), C2_LOG_TEXT("method", e->method),
         C2_LOG_TEXT("path", e->path), C2_LOG_NUMBER("status", status), C2_LOG_NUMBER("seconds", seconds),
         C2_LOG_NUMBER("bytes_in", e->received), C2_LOG_NUMBER("bytes_out", e->answer.size),
         C2_LOG_NUMBER("series", call->count), C2_LOG_NUMBER("horizon", call->pass.horizon));
}

void c2_exchange_close(c2_exchange **exchange, bool sent, int status) {
  c2_exchange *e = *exchange;
  if (!e) return;
  double seconds = c2_clock_seconds() - e->began;
  if (sent) status = (int)e->answer.status;
  if (status != 0) c2_metrics_count(&e->server->metrics, e->route, (c2_http_status)status, seconds);
  log_exchange(e, status, seconds);
  (void)hold(e, 0);
  if (e->job.work == C2_WORK_ENCODE) chronos2_context_close(&e->job.context);
  if (e->kept) c2_contexts_give(e->server->contexts, &e->kept);
  c2_call_free(&e->call);
  c2_answer_free(&e->answer);
  free(e->body);
  free(e->parameters);
  atomic_fetch_sub(&e->server->active, 1);
  free(e);
  *exchange = NULL;
}

/* The life of a request, from its headers to its answer. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "base/platform.h"
#include "base/text.h"
#include "data/ipc.h"
#include "serve/arrow.h"
#include "serve/log.h"
#include "serve/routes.h"
#include "serve/scenarios.h"

enum { ID_ROOM = 33, PATH_ROOM = 160 };

static bool takes_body(const c2_route *r) {
  return r->action == C2_ROUTE_FORECAST || r->action == C2_ROUTE_ENCODE || r->action == C2_ROUTE_DECODE;
}

struct c2_exchange {
  c2_server *server;
  const c2_route *route; /* NULL: none */
  char id[ID_ROOM], path[PATH_ROOM], method[16];
  double began;
  char *body;
  size_t size, capacity, received;
  size_t held;                      /* of the server's memory */
  char context[C2_CONTEXT_ID_ROOM]; /* of the path */
  c2_kept *kept;                    /* in use until the end */
  c2_call call;
  size_t series, horizon; /* of the call, for the log */
  c2_job job;
  c2_answer answer;
  bool is_answered, is_submitted;
  bool is_active; /* it began before the server drained, which waits for it */
  bool is_arrow;    /* the body and the answer */
  char *parameters; /* of an Arrow body, or NULL */
  void (*wake)(void *connection);
  void *connection;
};

/* Makes an exchange hold so much of the server's memory. What is refused is never held, so that it refuses no other. */
static bool hold(c2_exchange *e, size_t bytes) {
  size_t held = atomic_load(&e->server->memory); /* by all */
  do {
    if (bytes > e->held && bytes - e->held > e->server->options.memory - held) return false;
  } while (!atomic_compare_exchange_weak(&e->server->memory, &held, held - e->held + bytes));
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
  bool takes_arrow = e->route->action == C2_ROUTE_FORECAST && e->route->protocol == &c2_sagemaker;
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

/* Whether a key is allowed that the client shows. Both are looked at, so that the time doesn't tell which. */
static bool has_key(const c2_server *s, const c2_head *head) {
  bool by_bearer = c2_api_keys_allow(&s->keys, head->bearer);
  bool by_key = c2_api_keys_allow(&s->keys, head->key);
  return by_bearer || by_key;
}

static void check_head(c2_exchange *e, const c2_head *head) {
  c2_server *s = e->server;
  const c2_route *r = e->route;
  if (head->is_ambiguous) { /* a proxy before this server may have taken its body to end elsewhere */
    refuse(e, C2_HTTP_BAD_REQUEST, "expected one Content-Length, or Transfer-Encoding without one");
    return;
  }
  if (head->is_coded) {
    refuse(e, C2_HTTP_NOT_IMPLEMENTED, "expected no other Transfer-Encoding than chunked");
    return;
  }
  if (!r) {
    c2_answer_refuse(&e->answer, C2_HTTP_NOT_FOUND, NULL, "there is nothing at %.100s", e->path);
    e->is_answered = true;
    return;
  }
  const char *method = takes_body(r) ? "POST" : r->action == C2_ROUTE_DROP ? "DELETE" : "GET";
  bool is_head = r->action == C2_ROUTE_ANSWER && strcmp(head->method, "HEAD") == 0;
  if (strcmp(head->method, method) != 0 && !is_head) {
    c2_answer_refuse(&e->answer, C2_HTTP_NOT_ALLOWED, NULL, "expected the method %s", method);
    e->is_answered = true;
    e->answer.allow = r->action == C2_ROUTE_ANSWER ? "GET, HEAD" : method;
    return;
  }
  if (!r->is_open && !has_key(s, head)) {
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
  e->route = c2_route_find(server, head->path, e->context);
  atomic_fetch_add(&server->active, 1); /* before it is asked: then the one that drains sees it, or it sees that one */
  e->is_active = !c2_server_is_draining(server);
  if (!e->is_active) atomic_fetch_sub(&server->active, 1);
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
  if (e->is_answered || !takes_body(e->route)) return;
  if (size > e->server->options.body - e->size) {
    drop_body(e);
    refuse_size(e);
    return;
  }
  if (e->size + size > e->capacity && !make_room(e, e->size + size)) return;
  memcpy(e->body + e->size, bytes, size);
  e->size += size;
}

/* What the series and what is made of them take: encoded pasts; or all quantiles, the values of them that are asked
 * for, and these once more as they are written. */
static size_t bytes_of(const c2_exchange *e, size_t encoded) {
  const c2_call *call = &e->call;
  size_t bytes = c2_call_held(call);
  c2_sum_up(&bytes, 1, encoded);
  if (e->route->action == C2_ROUTE_ENCODE) return bytes;
  size_t values = c2_call_bytes(call);
  c2_sum_up(&bytes, 1, c2_call_quantiles(call, e->server->config));
  c2_sum_up(&bytes, 1, values);
  c2_sum_up(&bytes, 1, e->is_arrow ? c2_arrow_bytes(call) : 3 * values);
  return bytes;
}

/* Holds what the call takes. False: it is answered. */
static bool hold_call(c2_exchange *e) {
  size_t encoded = 0;
  if (e->route->action == C2_ROUTE_ENCODE) { /* bf16 weights are cached in bfloat16 or in float32 */
    size_t most = e->server->options.contexts;
    bool is_narrow = chronos2_model_dtype(e->server->model) == CHRONOS2_BF16;
    size_t least = c2_call_encoded(&e->call, e->server->config, is_narrow ? sizeof(uint16_t) : sizeof(float));
    if (least > most) {
      c2_answer_refuse(&e->answer, C2_HTTP_TOO_LARGE, NULL,
                       "the encoded pasts would take %zu bytes, expected at most %zu", least, most);
      e->is_answered = true;
      return false;
    }
    encoded = c2_call_encoded(&e->call, e->server->config, sizeof(float));
  }
  size_t bytes = bytes_of(e, encoded);
  if (hold(e, bytes)) return true;
  refuse_memory(e, bytes);
  return false;
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
  const c2_route *r = e->route;
  if (r->action == C2_ROUTE_ANSWER) {
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
  const c2_route *r = e->route;
  const c2_call_limits *limits = &s->options.limits;
  if (e->size == 0) {
    refuse(e, C2_HTTP_BAD_REQUEST,
           e->is_arrow ? "expected a stream of Arrow, found an empty body"
                       : "expected a JSON object, found an empty body");
    return false;
  }
  if (r->action == C2_ROUTE_DECODE) {
    e->kept = c2_contexts_take(s->contexts, e->context);
    if (!e->kept) {
      refuse_context(e);
      return false;
    }
    return c2_scenarios_read(e->kept, e->body, e->size, limits, s->config, &e->call, &e->answer);
  }
  if (e->is_arrow) return c2_arrow_read(e->body, e->size, e->parameters, limits, s->config, &e->call, &e->answer);
  return c2_protocol_read(r->protocol, e->body, e->size, limits, s->config, &e->call, &e->answer) &&
         (r->action != C2_ROUTE_ENCODE || c2_scenarios_encode(&e->call, s->model, &e->answer));
}

bool c2_exchange_end(c2_exchange *e) {
  static const c2_work work[] = {[C2_ROUTE_FORECAST] = C2_WORK_PREDICT,
                                 [C2_ROUTE_ENCODE] = C2_WORK_ENCODE,
                                 [C2_ROUTE_DECODE] = C2_WORK_DECODE};
  c2_server *s = e->server;
  c2_error err;
  if (e->is_answered || e->is_submitted) return false;
  const c2_route *r = e->route;
  if (!takes_body(r)) {
    answer_now(e);
    return false;
  }
  e->is_answered = !read_body(e);
  e->series = e->call.count;
  e->horizon = e->call.pass.horizon;
  drop_body(e);
  if (e->is_answered) return false;
  if (c2_call_note_pattern(&e->call, s->model, &err) != C2_OK) {
    refuse(e, C2_HTTP_UNAVAILABLE, err.text);
    return false;
  }
  if (!hold_call(e)) return false;
  if (r->action != C2_ROUTE_ENCODE && c2_call_make_room(&e->call, &err) != C2_OK) {
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
  const c2_route *r = e->route;
  const c2_dataset *pasts = e->kept ? &e->kept->call.set : &e->call.set;
  c2_error err;
  if (r->action != C2_ROUTE_ENCODE && c2_call_note_coarse(&e->call, pasts, &err) != C2_OK) {
    c2_answer_refuse_error(&e->answer, NULL, &err);
  } else if (e->is_arrow) {
    c2_arrow_write(&e->call, e->id, &e->answer);
  } else if (r->action == C2_ROUTE_FORECAST) {
    c2_protocol_write(r->protocol, &e->call, e->server->config, &e->answer);
  } else if (r->action == C2_ROUTE_DECODE) {
    c2_scenarios_write(e->kept, &e->call, &e->answer);
  } else if (c2_contexts_add(e->server->contexts, &e->call, &e->job.context, &e->kept, &err) == C2_OK) {
    (void)hold(e, 0); /* the contexts hold it now */
    c2_scenarios_put_kept(e->kept, &e->answer);
  } else if (err.code == C2_ERR_ARGUMENT) {
    refuse(e, C2_HTTP_TOO_LARGE, err.text);
  } else {
    c2_answer_refuse_error(&e->answer, NULL, &err);
  }
}

/* The answer of a job that is over. */
static void answer_job(c2_exchange *e) {
  const c2_job *job = &e->job;
  char where[32] = "";
  char name[80] = "the body";
  if (job->is_late) {
    c2_answer_refuse(&e->answer, C2_HTTP_UNAVAILABLE, NULL,
                     c2_server_is_draining(e->server) ? "the server is shutting down"
                                                      : "there was no time for a forecast: try again later");
  } else if (job->status == C2_OK) {
    answer_result(e);
  } else if (job->status == C2_ERR_MODEL) {
    bool is_one = job->failed < e->call.count;
    if (is_one && e->is_arrow) (void)snprintf(name, sizeof name, "item '%.60s'", e->call.set.item[job->failed].id);
    if (is_one && !e->is_arrow) (void)snprintf(where, sizeof where, "inputs[%zu]", job->failed);
    c2_answer_refuse(&e->answer, C2_HTTP_BAD_REQUEST, where,
                     "%s: the forecast is not finite: its values lie at the end of the range that numbers have",
                     where[0] ? where : name);
  } else {
    c2_answer_refuse_error(&e->answer, NULL, &job->err);
  }
}

c2_answer *c2_exchange_answer(c2_exchange *e) {
  if (!e->is_answered) answer_job(e);
  e->is_answered = true;
  if (e->kept) c2_contexts_give(e->server->contexts, &e->kept); /* before the client can ask for what needs its room */
  return &e->answer;
}

const char *c2_exchange_id(const c2_exchange *e) {
  return e->id;
}

static void log_exchange(const c2_exchange *e, int status, double seconds) {
  const char *level = status >= 500 ? "error" : status >= 400 || status == 0 ? "warning" : "info";
  if (e->server->options.errors_only && status >= 200 && status < 400) return;
  const char *event = status != 0 ? "request" : atomic_load(&e->server->is_stopped) ? "cut" : "client_gone";
  C2_LOG(level, event, C2_LOG_TEXT("id", e->id), C2_LOG_TEXT("method", e->method),
         C2_LOG_TEXT("path", e->path), C2_LOG_NUMBER("status", status), C2_LOG_NUMBER("seconds", seconds),
         C2_LOG_NUMBER("bytes_in", e->received), C2_LOG_NUMBER("bytes_out", e->answer.size),
         C2_LOG_NUMBER("series", e->series), C2_LOG_NUMBER("horizon", e->horizon));
}

void c2_exchange_close(c2_exchange **exchange, bool sent, int status) {
  c2_exchange *e = *exchange;
  if (!e) return;
  double seconds = c2_clock_seconds() - e->began;
  if (sent) status = (int)e->answer.status;
  if (status != 0) c2_metrics_count(&e->server->metrics, c2_route_number(e->route), (c2_http_status)status, seconds);
  log_exchange(e, status, seconds);
  (void)hold(e, 0);
  if (e->job.work == C2_WORK_ENCODE) chronos2_context_close(&e->job.context);
  if (e->kept) c2_contexts_give(e->server->contexts, &e->kept);
  c2_call_free(&e->call);
  c2_answer_free(&e->answer);
  free(e->body);
  free(e->parameters);
  if (e->is_active) atomic_fetch_sub(&e->server->active, 1);
  free(e);
  *exchange = NULL;
}

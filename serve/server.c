/* The server: its routes, and what it answers without a forecast. */
#include "serve/server.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/platform.h"
#include "page/page.h"
#include "serve/routes.h"

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
  if (!c2_answer_begin(&stream, answer)) return;
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
  if (!c2_answer_begin(&stream, answer)) return;
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

static const c2_route routes[] = {
    {"/invocations", false, C2_ROUTE_FORECAST, &c2_sagemaker, NULL},
    {"/v1/timeseries/forecast", false, C2_ROUTE_FORECAST, &c2_kserve, NULL},
    {"/v1/contexts", false, C2_ROUTE_ENCODE, &c2_sagemaker, NULL},
    {"/v1/contexts/{id}/forecast", false, C2_ROUTE_DECODE, NULL, NULL},
    {"/v1/contexts/{id}", false, C2_ROUTE_DROP, NULL, NULL},
    {"/v1/timeseries/models", false, C2_ROUTE_ANSWER, NULL, answer_names},
    {"/v1/models", false, C2_ROUTE_ANSWER, NULL, answer_models},
    {"/v1/models/{model}", true, C2_ROUTE_ANSWER, NULL, answer_model},
    {"/v2/models/{model}/ready", true, C2_ROUTE_ANSWER, NULL, answer_ready},
    {"/v2/health/ready", true, C2_ROUTE_ANSWER, NULL, answer_ready},
    {"/v2/health/live", true, C2_ROUTE_ANSWER, NULL, answer_live},
    {"/healthz", true, C2_ROUTE_ANSWER, NULL, answer_live},
    {"/ping", true, C2_ROUTE_ANSWER, NULL, answer_ready},
    {"/", true, C2_ROUTE_ANSWER, NULL, answer_page},
    {"/page.css", true, C2_ROUTE_ANSWER, NULL, answer_style},
    {"/chart.js", true, C2_ROUTE_ANSWER, NULL, answer_chart},
    {"/charts.js", true, C2_ROUTE_ANSWER, NULL, answer_charts},
    {"/serve.js", true, C2_ROUTE_ANSWER, NULL, answer_script},
    {"/metrics", false, C2_ROUTE_ANSWER, NULL, answer_metrics},
};
enum { ROUTES = sizeof routes / sizeof routes[0] };
_Static_assert((int)ROUTES < (int)C2_METRICS_ROUTES, "each route and what has none is counted");

static const char *route_name(size_t index) {
  return index < ROUTES ? routes[index].path : "none";
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

const c2_route *c2_route_find(const c2_server *server, const char *path, char id[C2_CONTEXT_ID_ROOM]) {
  size_t i = 0;
  while (i < ROUTES && !matches(path, routes[i].path, server->options.limits.model, id)) i++;
  return i < ROUTES ? &routes[i] : NULL;
}

size_t c2_route_number(const c2_route *route) {
  return route ? (size_t)(route - routes) : (size_t)ROUTES;
}

static void answer_metrics(c2_server *server, c2_answer *answer) {
  const char *names[ROUTES + 1];
  size_t bytes = 0;
  size_t contexts = c2_contexts_count(server->contexts, &bytes);
  const c2_gauge gauges[] = {
      {"chronos2_requests_active", "Requests that are not answered yet.", (double)c2_server_active(server)},
      {"chronos2_queue_requests", "Requests that wait for a batch.", (double)c2_batcher_waiting(server->batcher)},
      {"chronos2_workers_busy", "Workers that forecast.", (double)atomic_load(&server->metrics.busy)},
      {"chronos2_memory_bytes", "Bodies, series, results and new contexts of requests.",
       (double)atomic_load(&server->memory)},
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
  s->options.limits.values = options->body; /* so that parsing takes less than it does of JSON (docs/serve.md) */
  (void)c2_random_bytes(random, sizeof random);
  for (size_t i = 0; i < sizeof random; i++) (void)snprintf(s->name + 2 * i, 3, "%02x", random[i]);
  if (options->keys) C2_GOTO(c2_api_keys_read(&s->keys, options->keys, err));
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
  c2_api_keys_free(&s->keys);
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
  atomic_store(&server->is_stopped, true);
  c2_batcher_stop(server->batcher);
}

const char *c2_server_model(const c2_server *server) {
  return server->options.limits.model;
}

size_t c2_server_body_limit(const c2_server *server) {
  return server->options.body;
}

void c2_server_count(c2_server *server, c2_http_status status, double seconds) {
  c2_metrics_count(&server->metrics, c2_route_number(NULL), status, seconds);
}

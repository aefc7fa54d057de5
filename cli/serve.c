/* `chronos2 serve`: forecasts by HTTP. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/passes.h"
#include "cli/cli.h"
#include "serve/web.h"
#include "serve/server.h"

enum { MIB = 1 << 20, NAME_MOST = 255 };

typedef struct serve_request {
  cli_engine engine;
  c2_server_options server;
  c2_web_options http;
  size_t body, memory, contexts; /* MiB */
  double seconds;
  char name[NAME_MOST + 2]; /* one more than is allowed shows that there are too many */
} serve_request;

static c2_status parse_log(void *target, const char *text, c2_error *err) {
  if (strcmp(text, "all") != 0 && strcmp(text, "errors") != 0) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "--log: expected all or errors, found '%s'", text);
  }
  *(bool *)target = strcmp(text, "errors") == 0;
  return C2_OK;
}

static size_t list_options(serve_request *r, cli_option *out) {
  c2_server_options *s = &r->server;
  const cli_option table[] = {
      {"listen", 0, "ADDRESS:PORT",
       "Where to listen. [::1]:8080 is an address of IPv6, :8080 stands for all addresses of IPv6 and IPv4, port 0 for "
       "any that is free. [127.0.0.1:8080]",
       CLI_TEXT, &r->http.listen, NULL},
      {"model-name", 0, "NAME",
       "The model's name for clients of KServe: letters, digits, '.', '_', '@' and '-'. [the name of its folder]",
       CLI_TEXT, &s->limits.model, NULL},
      {"api-keys", 0, "FILE",
       "Answer only those who show a key of this file, which has one a line; lines that begin with # are comments. "
       "Probes of health need none, /metrics needs one.", CLI_TEXT,
       &s->keys, NULL},
      {"timeout", 0, "SECONDS",
       "Time that a request has to arrive, a forecast to be made, and an answer to be taken. [60]", CLI_NUMBER,
       &r->seconds, NULL},
      {"grace", 0, "SECONDS", "Time that requests have to finish after SIGTERM. [30]", CLI_NUMBER, &r->http.grace,
       NULL},
      {"max-body", 0, "MIB", "Size of a request's body at most. [8]", CLI_COUNT, &r->body, NULL},
      {"max-series", 0, "N", "A request may have N series, and 10 N targets and covariates. [1000]",
       CLI_COUNT, &s->limits.series, NULL},
      {"max-horizon", 0, "N", "Steps that a request may forecast. [1024]", CLI_COUNT, &s->limits.horizon, NULL},
      {"max-memory", 0, "MIB",
       "Memory for the bodies, series, results and new contexts of all requests together. [512]", CLI_COUNT,
       &r->memory, NULL},
      {"context-memory", 0, "MIB",
       "Memory for contexts that are kept for scenarios; of those that nobody uses, those that were used least lately "
       "go first. [256]",
       CLI_COUNT, &r->contexts, NULL},
      {"connections", 0, "N", "Connections at once. [4096]", CLI_COUNT, &r->http.connections, NULL},
      {"queue", 0, "N", "Requests that may wait for a forecast; more are refused. [2048]", CLI_COUNT, &s->batcher.queue,
       NULL},
      {"batch-tokens", 0, "N",
       "Tokens that are forecast at once: what waits is batched up to so many. A token is 16 observations. [8192]",
       CLI_COUNT, &s->batcher.budget, NULL},
      {"workers", 0, "N", "Batches that are forecast at the same time, each by --threads threads. [1]", CLI_COUNT,
       &s->batcher.workers, NULL},
      {"log", 0, "all|errors", "Requests that standard error tells of, a JSON object a line. [all]", CLI_CUSTOM,
       &s->errors_only, parse_log}};
  memcpy(out, table, sizeof table);
  return sizeof table / sizeof *table;
}

/* The last part of the model's path or name; of "." and "..", the folder's that they stand for. */
static void name_model(serve_request *r) {
  const char *path = r->engine.model ? r->engine.model : cli_default_model();
  size_t end = strlen(path);
  while (end > 1 && path[end - 1] == '/') end--;
  size_t begin = end;
  while (begin > 0 && path[begin - 1] != '/') begin--;
  bool is_dots = path[begin] == '.' && strspn(path + begin, "./") >= end - begin;
  char *folder = is_dots && end - begin <= 2 ? realpath(path, NULL) : NULL;
  if (folder) {
    (void)snprintf(r->name, sizeof r->name, "%s", cli_name_of(folder));
  } else {
    (void)snprintf(r->name, sizeof r->name, "%.*s", (int)c2_min_size(end - begin, sizeof r->name), path + begin);
  }
  free(folder);
  r->server.limits.model = r->name;
}

/* That a name can stand in a path as it is, as docs/openapi.yaml has it. */
static int check_name(const char *name, bool is_folder) {
  size_t size = strlen(name);
  bool is_plain = strspn(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._@-") == size;
  if (size >= 1 && size <= NAME_MOST && is_plain) return CLI_DONE;
  if (is_folder) {
    return cli_fail_usage("the folder's name '%.80s' can't name the model: expected 1 to %d of A-Z, a-z, 0-9, '.', "
                          "'_', '@' and '-'; --model-name gives another name",
                          name, NAME_MOST);
  }
  return cli_fail_usage("--model-name: expected 1 to %d of A-Z, a-z, 0-9, '.', '_', '@' and '-', found '%.80s'",
                        NAME_MOST, name);
}

static int check(const serve_request *r) {
  const char *how = NULL;
  if (!c2_web_available(&how)) return cli_fail("serve: %s", how);
  if (!(r->seconds > 0) || !isfinite(r->seconds)) return cli_fail_usage("--timeout: expected more than 0 seconds");
  if (!(r->http.grace >= 0) || !isfinite(r->http.grace)) return cli_fail_usage("--grace: expected 0 seconds or more");
  if (r->body > 1024) return cli_fail_usage("--max-body: expected at most 1024 MiB, found %zu", r->body);
  if (r->memory > SIZE_MAX / MIB / 4) return cli_fail_usage("--max-memory: found %zu MiB", r->memory);
  if (r->memory < r->body) {
    return cli_fail_usage("--max-memory: expected at least the %zu MiB of --max-body, found %zu", r->body, r->memory);
  }
  if (r->contexts > SIZE_MAX / MIB / 4) return cli_fail_usage("--context-memory: found %zu MiB", r->contexts);
  if (r->server.limits.horizon > MIB) return cli_fail_usage("--max-horizon: expected at most %d steps", MIB);
  if (r->server.limits.series > MIB) return cli_fail_usage("--max-series: expected at most %d series", MIB);
  if (r->server.batcher.workers > 256) return cli_fail_usage("--workers: expected at most 256");
  if (r->http.connections > MIB) return cli_fail_usage("--connections: expected at most %d", MIB);
  return CLI_DONE;
}

static int run(serve_request *r) {
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  c2_server *server = NULL;
  c2_error err;
  int status = check(r);
  if (status != CLI_DONE) return status;
  bool is_named = r->server.limits.model != NULL;
  if (!is_named) name_model(r);
  status = cli_engine_locate(&r->engine);
  if (status == CLI_DONE) status = check_name(r->server.limits.model, !is_named);
  if (status == CLI_DONE) status = cli_engine_open(&r->engine, &model, &session);
  if (status != CLI_DONE) return status;
  chronos2_session_close(&session); /* workers have their own */
  const chronos2_config *config = chronos2_model_config(model);
  const chronos2_session_options *asked = &r->engine.session;
  c2_call_limits *limits = &r->server.limits;
  cli_warn_lengths(config, 0, r->engine.context_length);
  limits->pattern = (chronos2_pattern){asked->attention, asked->radius, asked->reg_global};
  limits->context_length = r->engine.context_length ? r->engine.context_length : config->context_length;
  limits->batch_size = r->engine.batch_size ? r->engine.batch_size : C2_USUAL_ROWS;
  r->server.batcher.batch_size = limits->batch_size;
  r->server.batcher.session = *asked;
  r->server.batcher.extend_context = true;
  r->server.body = r->body * MIB;
  r->server.memory = r->memory * MIB;
  r->server.contexts = r->contexts * MIB;
  r->server.seconds = r->seconds;
  r->http.seconds = r->seconds;
  c2_web_hold_signals();
  c2_status served = c2_server_open(&server, model, &r->server, &err);
  if (served == C2_OK) served = c2_web_serve(server, &r->http, &err);
  c2_server_close(&server);
  chronos2_model_close(&model);
  return served == C2_OK ? CLI_DONE : cli_fail_error(&err);
}

static const cli_usage serve_usage = {
    .command = "serve",
    .arguments = "",
    .summary =
        "Answers requests for forecasts by HTTP: POST /invocations with the JSON of Chronos-2 endpoints on SageMaker, "
        "POST /v1/timeseries/forecast as KServe has it; GET /ping, /v2/health/ready and /metrics.\n"
        "Requests that wait are forecast together. An answer is the same, bit for bit, as without the others, and as "
        "'chronos2 forecast' gives it. SIGTERM lets requests finish and ends the server. There is no TLS: put a proxy "
        "in front of a server that others reach.",
    .examples =
        "Serve the bundled checkpoint on this machine:\n"
        "chronos2 serve --listen 127.0.0.1:8080\n"};

int cli_serve(int argc, char **argv) {
  serve_request r = {
      .http = {.listen = "127.0.0.1:8080", .connections = 4096, .grace = 30},
      .server = {.limits = {.series = 1000, .horizon = 1024}, .batcher = {.workers = 1, .budget = 8192, .queue = 2048}},
      .body = 8,
      .memory = 512,
      .contexts = 256,
      .seconds = 60};
  cli_option options[CLI_MOST_OPTIONS] = {{.name = NULL}};
  int first = 0;
  int status = 0;
  cli_engine_init(&r.engine);
  (void)list_options(&r, options);
  if (!cli_parse(argc, argv, &serve_usage, options, &r.engine, &first, &status)) return status;
  return run(&r);
}

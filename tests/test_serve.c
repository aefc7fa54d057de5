/* `chronos2 serve` over sockets: limits, keys, batches, time limits, draining. */
#include "serving.h"

#include <stdatomic.h>

#include "small.h"

#include "base/json.h"
#include "serve/batcher.h"
#include "serve/web.h"

enum { CLIENTS = 24, ROUNDS = 6 };

/* ---- What is sent ---------------------------------------------------------------------------- */

/* A request of a few kilobytes whose forecast takes seconds, in many passes. */
static const char heavy[] =
    "\"prediction_length\":1024,\"cross_learning\":true,\"batch_size\":1,\"quantile_levels\":[0.5]";

/* ---- Routes --------------------------------------------------------------------- */

static void test_routes(void **state) {
  static const struct {
    const char *method, *path;
    int status;
    const char *part;
  } cases[] = {
      {"GET", "/ping", 200, "{\"ready\":true}"},
      {"HEAD", "/ping", 200, ""},
      {"GET", "/healthz", 200, "{\"live\":true}"},
      {"GET", "/v2/health/live", 200, "true"},
      {"GET", "/v2/health/ready", 200, "true"},
      {"GET", "/v2/models/chronos2-micro/ready", 200, "true"},
      {"GET", "/v1/models/chronos2-micro", 200, "{\"name\":\"chronos2-micro\",\"ready\":true}"},
      {"GET", "/v1/models", 200, "{\"models\":[\"chronos2-micro\"]}"},
      {"GET", "/v1/timeseries/models", 200, "[\"chronos2-micro\"]"},
      {"GET", "/metrics", 200, "chronos2_requests_active "},
      {"GET", "/", 200, "<script src=\"serve.js\"></script>"},
      {"GET", "/page.css", 200, "--paper"},
      {"GET", "/chart.js", 200, "Chart.js v3"},
      {"GET", "/charts.js", 200, "const page"},
      {"GET", "/serve.js", 200, "readTable"},
      {"GET", "http://x/ping", 200, "{\"ready\":true}"},
      {"GET", "HTTPS://x:1/metrics?a=/", 200, "chronos2_requests_active "},
      {"GET", "http://x", 200, "<script"},
      {"GET", "http://x/none", 404, "there is nothing at /none"},
      {"GET", "/%70ing", 200, "true"},
      {"GET", "/ping%00", 404, "there is nothing at /ping%00"},
      {"GET", "/metrics%00x", 404, "NotFoundError"},
      {"POST", "/invocations%00/../x", 404, "NotFoundError"},
      {"GET", "/v1/models/other", 404, "there is nothing at /v1/models/other"},
      {"GET", "/v1/models/chronos2-micro/", 404, "NotFoundError"},
      {"GET", "//ping", 404, "NotFoundError"},
      {"POST", "/ping", 405, "expected the method GET"},
      {"DELETE", "/ping", 405, "MethodNotAllowedError"},
      {"GET", "/invocations", 405, "expected the method POST"},
      {"PUT", "/v1/timeseries/forecast", 405, "expected the method POST"},
      {"POST", "/invocations", 415, "application/json"},
  };
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    int fd = serving_connect(*state);
    assert_true(fd >= 0);
    assert_true(serving_ask(fd, cases[i].method, cases[i].path, "Connection: close\r\n", NULL));
    reply r = {0};
    if (strcmp(cases[i].method, "HEAD") == 0) {
      char text[1024] = "";
      assert_true(recv(fd, text, sizeof text - 1, MSG_WAITALL) > 0);
      assert_non_null(strstr(text, "HTTP/1.1 200 OK\r\n"));
      assert_null(strchr(text, '{'));
    } else {
      r = serving_read(fd);
      if (cases[i].status == 405) assert_non_null(strstr(r.head, "\r\nAllow: "));
      serving_assert(&r, cases[i].status, cases[i].part);
    }
    close(fd);
  }
}

/* Requests that are over hold nothing. */
static void test_active(void **state) {
  serving_wait_idle(*state);
}

/* What is no HTTP ends its own connection, at most. */
static void test_garbage(void **state) {
  static const char *const texts[] = {"\r\n\r\n",
                                      "hello\r\n\r\n",
                                      "GET\r\n\r\n",
                                      "GET /ping HTTP/9.9\r\n\r\n",
                                      "POST /invocations HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
                                      "POST /invocations HTTP/1.1\r\nContent-Length: 99999999999999999999\r\n\r\n",
                                      "POST /invocations HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"};
  enum { TEXTS = sizeof texts / sizeof texts[0] };
  char *longest = calloc(1, 200001);
  int fd[TEXTS];
  (void)state;
  serving s = serving_start((const char *const[]){"--timeout", "2", NULL});
  for (size_t i = 0; i < TEXTS; i++) {
    fd[i] = serving_connect(&s);
    (void)serving_send(fd[i], texts[i], strlen(texts[i]));
    (void)shutdown(fd[i], SHUT_WR);
  }
  for (size_t i = 0; i < TEXTS; i++) { /* at once, or at the time limit: libmicrohttpd may miss that a client is done */
    char text[4096];
    ssize_t n = 0;
    while ((n = recv(fd[i], text, sizeof text, 0)) > 0) continue;
    assert_true(n == 0 || errno == ECONNRESET);
    close(fd[i]);
  }
  memset(longest, 'a', 200000);
  memcpy(longest, "GET /", 5);
  int last = serving_connect(&s);
  (void)serving_send(last, longest, 200000);
  reply r = serving_read(last);
  assert_true(r.status == 0 || r.status >= 400);
  free(r.body);
  free(longest);
  close(last);
  r = serving_request(&s, "GET", "/ping", "", NULL);
  serving_assert(&r, 200, "true");
  assert_int_equal(serving_stop(&s), 0);
}

/* A body whose end is said in two ways is refused: a proxy may have taken the other one. So is one whose end is said in
 * a way that isn't known. */
static void test_ambiguous(void **state) {
  static const char *const lengths[] = {"Content-Length: 2\r\nContent-Length: 30\r\n",
                                        "Content-Length: 2\r\nContent-Length: 2\r\n",
                                        "Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
                                        "Transfer-Encoding: chunked\r\nContent-Length: 2\r\n",
                                        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n"};
  static const char *const codings[] = {"gzip, chunked", "xchunked", "identity", "gzip"};
  enum { LENGTHS = sizeof lengths / sizeof lengths[0], CODINGS = sizeof codings / sizeof codings[0] };
  for (size_t i = 0; i < LENGTHS + CODINGS; i++) {
    char text[300];
    bool is_coded = i >= LENGTHS;
    int size = snprintf(text, sizeof text,
                        "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n%s%s%s\r\n{}",
                        is_coded ? "Transfer-Encoding: " : "", is_coded ? codings[i - LENGTHS] : lengths[i],
                        is_coded ? "\r\n" : "");
    int fd = serving_connect(*state);
    assert_true(serving_send(fd, text, (size_t)size));
    reply r = serving_read(fd);
    close(fd);
    serving_assert(&r, is_coded ? 501 : 400,
                   is_coded ? "expected no other Transfer-Encoding than chunked" : "expected one Content-Length");
  }
}

/* ---- Many clients ---------------------------------------------------------------------------- */

typedef struct client {
  const serving *server;
  char **body;
  reply *alone;
  size_t bodies, first, wrong, lost;
} client;

/* Rounds of requests on one connection, each answer compared with the one that came alone. */
static void *run_client(void *argument) {
  client *c = argument;
  int fd = serving_connect(c->server);
  for (size_t i = 0; i < ROUNDS; i++) {
    size_t k = (c->first + i * 5) % c->bodies;
    reply r = {0};
    if (fd >= 0 && serving_ask(fd, "POST", "/invocations", "", c->body[k])) r = serving_read(fd);
    c->lost += r.status != 200;
    c->wrong += r.status == 200 && (r.size != c->alone[k].size || memcmp(r.body, c->alone[k].body, r.size) != 0);
    free(r.body);
  }
  if (fd >= 0) close(fd);
  return NULL;
}

/* A third of the clients ask a server whose workers share the model. */
static void test_batches(void **state) {
  static const char *const parameters[] = {
      "\"prediction_length\":8",
      "\"prediction_length\":8,\"attention\":\"full\"",
      "\"prediction_length\":8,\"attention\":\"windowed_future_global\",\"radius\":2",
      "\"prediction_length\":8,\"attention\":\"windowed_future_global\",\"radius\":5",
      "\"prediction_length\":8,\"attention\":\"windowed_future_null\",\"radius\":2",
      "\"prediction_length\":70",
      "\"prediction_length\":8,\"cross_learning\":true",
      "\"prediction_length\":8,\"context_length\":64"};
  enum { PARAMETERS = sizeof parameters / sizeof *parameters, BODIES = 3 * PARAMETERS };
  char *body[BODIES];
  reply alone[BODIES];
  client clients[CLIENTS];
  pthread_t thread[CLIENTS];
  serving three = serving_start((const char *const[]){"--workers", "3", NULL});
  for (size_t k = 0; k < BODIES; k++) {
    body[k] = serving_make_body(k == 0 ? 90 : 1 + k % 3, 20 + 37 * k, (unsigned)k, parameters[k % PARAMETERS]);
    alone[k] = serving_post(*state, "/invocations", body[k]);
    assert_int_equal(alone[k].status, 200);
  }
  for (size_t i = 0; i < CLIENTS; i++) {
    const serving *server = i % 3 == 0 ? &three : *state;
    clients[i] = (client){.server = server, .body = body, .alone = alone, .bodies = BODIES, .first = i};
    assert_int_equal(pthread_create(&thread[i], NULL, run_client, &clients[i]), 0);
  }
  for (size_t i = 0; i < CLIENTS; i++) {
    assert_int_equal(pthread_join(thread[i], NULL), 0);
    assert_int_equal(clients[i].lost, 0);
    assert_int_equal(clients[i].wrong, 0);
  }
  assert_int_equal(serving_stop(&three), 0);
  for (size_t k = 0; k < BODIES; k++) {
    free(body[k]);
    free(alone[k].body);
  }
}

typedef struct burst {
  const serving *server;
  const char *body;
  reply reply;
  atomic_bool is_over;
} burst;

static void *run_burst(void *argument) {
  burst *b = argument;
  b->reply = serving_post(b->server, "/invocations", b->body);
  atomic_store(&b->is_over, true);
  return NULL;
}

/* A request that takes many batches has the same answer, and others have theirs before it. */
static void test_turns(void **state) {
  serving s = serving_start((const char *const[]){"--batch-tokens", "100", NULL});
  char *body = serving_make_body(60, 30, 9, "\"prediction_length\":8");
  reply whole = serving_post(*state, "/invocations", body);
  reply parts = serving_post(&s, "/invocations", body);
  assert_int_equal(whole.status, 200);
  serving_assert(&parts, 200, whole.body);
  free(whole.body);
  free(body);
  body = serving_make_body(12, 30, 5, "\"prediction_length\":1024,\"quantile_levels\":[0.5]");
  burst running = {.server = &s, .body = body};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, run_burst, &running), 0);
  serving_wait(&s, "\nchronos2_workers_busy 1\n");
  reply alike = serving_post(&s, "/invocations", ONE "}],\"parameters\":{\"prediction_length\":1024}}");
  reply other = serving_post(&s, "/invocations", ONE "}]}");
  assert_false(atomic_load(&running.is_over));
  serving_assert(&alike, 200, "predictions");
  serving_assert(&other, 200, "predictions");
  assert_int_equal(pthread_join(thread, NULL), 0);
  serving_assert(&running.reply, 200, "predictions");
  free(body);
  assert_int_equal(serving_stop(&s), 0);
}

/* ---- Limits ---------------------------------------------------------------------------------- */

/* A request with so many covariates. */
static reply post_covariates(const serving *s, int count) {
  char text[2048] = ONE ",\"past_covariates\":{";
  for (int i = 0; i < count; i++) {
    (void)snprintf(text + strlen(text), sizeof text - strlen(text), "%s\"%d\":[1,2,3]", i ? "," : "", i);
  }
  strcat(text, "}}]}");
  return serving_post(s, "/invocations", text);
}

/* The text with spaces behind it, `size` bytes in all. */
static char *pad(char *text, size_t size) {
  size_t used = strlen(text);
  char *padded = realloc(text, size + 1);
  assert_non_null(padded);
  memset(padded + used, ' ', size - used);
  padded[size] = '\0';
  return padded;
}

static void test_sizes(void **state) {
  (void)state;
  serving s = serving_start((const char *const[]){"--max-body", "1", "--max-memory", "2", "--max-series", "3",
                                                          "--max-horizon", "9000", NULL});
  char *large = serving_make_body(1, 300000, 1, "");
  reply r = serving_post(&s, "/invocations", large);
  serving_assert(&r, 413, "at most 1048576 bytes");
  static const char asks[] =
      "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nExpect: "
      "100-continue\r\nContent-Length: 2000000\r\n\r\n";
  int fd = serving_connect(&s); /* who asks before sending need not send */
  assert_true(serving_send(fd, asks, sizeof asks - 1));
  r = serving_read(fd);
  close(fd);
  serving_assert(&r, 413, "at most 1048576 bytes");
  fd = serving_connect(&s); /* a body without a length */
  char head[200];
  (void)snprintf(head, sizeof head,
                 "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nTransfer-Encoding: "
                 "chunked\r\n\r\n%zx\r\n",
                 strlen(large));
  assert_true(serving_send(fd, head, strlen(head)) && serving_send(fd, large, strlen(large)) &&
              serving_send(fd, "\r\n0\r\n\r\n", 7));
  r = serving_read(fd);
  close(fd);
  serving_assert(&r, 413, "at most 1048576 bytes");
  free(large);
  large = pad(serving_make_body(1, 9, 1, ""), 1 << 20); /* exactly what is allowed */
  r = serving_post(&s, "/invocations", large);
  serving_assert(&r, 200, "predictions");
  free(large);
  large = serving_make_body(4, 5, 1, "");
  r = serving_post(&s, "/invocations", large);
  serving_assert(&r, 400, "expected an array of 1 to 3 series");
  free(large);
  r = serving_post(&s, "/v1/timeseries/forecast",
                   "{\"model\":\"chronos2-micro\",\"options\":{\"horizon\":1},\"inputs\":[1,1,1,1]}");
  serving_assert(&r, 400, "expected an array of 1 to 3 series");
  r = post_covariates(&s, 29);
  serving_assert(&r, 200, "predictions");
  r = post_covariates(&s, 30);
  serving_assert(&r, 400, "expected at most 30 targets and covariates in all, found 31");
  large = serving_make_body(3, 5, 1, "\"prediction_length\":9000"); /* its result alone is beyond --max-memory */
  r = serving_post(&s, "/invocations", large);
  serving_assert(&r, 413, "expected at most 2097152");
  free(large);
  r = serving_post(&s, "/invocations", ONE "}]}");
  serving_assert(&r, 200, "predictions");
  assert_int_equal(serving_stop(&s), 0);
}

/* The library's forecast has all quantiles. Series that depend on each other are forecast in one go, so it counts as a
 * whole. */
static void test_quantiles_memory(void **state) {
  static const char *const parameters[] = {"", "\"cross_learning\":true,"};
  (void)state;
  serving s = serving_start((const char *const[]){"--max-body", "1", "--max-memory", "1", NULL});
  for (size_t i = 0; i < 2; i++) {
    char text[100];
    (void)snprintf(text, sizeof text, "%s\"prediction_length\":1024,\"quantile_levels\":[0.5]", parameters[i]);
    char *body = serving_make_body(5, 3, 1, text);
    reply r = serving_post(&s, "/invocations", body);
    serving_assert(&r, i ? 413 : 200, i ? "series and results would take" : "predictions");
    free(body);
  }
  assert_int_equal(serving_stop(&s), 0);
}

/* A full queue refuses, and says when to come again; who is let in gets the right answer. */
static void test_full_queue(void **state) {
  enum { BURST = 40 };
  (void)state;
  serving s = serving_start((const char *const[]){"--queue", "2", NULL});
  char *body = serving_make_body(2, 30, 3, heavy);
  reply alone = serving_post(&s, "/invocations", body);
  burst bursts[BURST];
  pthread_t thread[BURST];
  size_t refused = 0;
  assert_int_equal(alone.status, 200);
  for (size_t i = 0; i < BURST; i++) {
    bursts[i] = (burst){.server = &s, .body = body};
    assert_int_equal(pthread_create(&thread[i], NULL, run_burst, &bursts[i]), 0);
  }
  for (size_t i = 0; i < BURST; i++) {
    reply *r = &bursts[i].reply;
    assert_int_equal(pthread_join(thread[i], NULL), 0);
    if (r->status == 429) {
      refused++;
      assert_non_null(strstr(r->head, "\r\nRetry-After: 1\r\n"));
      serving_assert(r, 429, "the queue is full");
    } else {
      assert_int_equal(r->status, 200);
      assert_string_equal(r->body, alone.body);
      free(r->body);
    }
  }
  assert_true(refused > 0 && refused < BURST);
  free(alone.body);
  free(body);
  assert_int_equal(serving_stop(&s), 0);
}

/* A forecast that takes too long is given up between its passes. */
static void test_deadline(void **state) {
  (void)state;
  serving s = serving_start((const char *const[]){"--timeout", "1", NULL});
  char *body = serving_make_body(1000, 30, 5, heavy);
  reply r = serving_post(&s, "/invocations", body);
  assert_non_null(strstr(r.head, "\r\nRetry-After: 1\r\n"));
  serving_assert(&r, 503, "there was no time");
  r = serving_post(&s, "/invocations", ONE "}]}");
  serving_assert(&r, 200, "predictions");
  free(body);
  assert_int_equal(serving_stop(&s), 0);
}

static void count_done(c2_job *job) {
  ++*(int *)job->owner;
}

/* What waits beyond its time ends without a worker; the others wait on. */
static void test_expiry(void **state) {
  c2_metrics metrics;
  c2_batcher *b = NULL;
  c2_error err;
  c2_call call = {.count = 1};
  c2_job job[3];
  int done[3] = {0, 0, 0};
  (void)state;
  memset(&metrics, 0, sizeof metrics);
  assert_int_equal(c2_batcher_open(&b, NULL, &(c2_batcher_options){.queue = 3}, &metrics, &err), C2_OK);
  for (int i = 0; i < 3; i++) {
    job[i] = (c2_job){.call = &call, .deadline = i == 1 ? 10 : 20, .done = count_done, .owner = &done[i]};
    assert_true(c2_batcher_add(b, &job[i]));
  }
  c2_batcher_expire(b, 9);
  assert_int_equal(c2_batcher_waiting(b), 3);
  c2_batcher_expire(b, 10);
  assert_int_equal(c2_batcher_waiting(b), 2);
  assert_true(done[0] == 0 && done[1] == 1 && done[2] == 0 && job[1].is_late);
  c2_batcher_close(&b);
  assert_true(done[0] == 1 && done[1] == 1 && done[2] == 1 && job[0].is_late);
}

/* ---- Keys ------------------------------------------------------------------------------------ */

static void test_keys(void **state) {
  static const char keys[] = "\xef\xbb\xbf# ours\n\nkey-of-somebody-1234\r\nanother-key-5678901\n";
  char *folder = program_make_folder();
  char *path = program_path(folder, "keys");
  (void)state;
  program_write_file(path, keys, sizeof keys - 1);
  serving s = serving_start((const char *const[]){"--api-keys", path, NULL});
  static const struct {
    const char *header;
    int status;
  } cases[] = {{"", 401},
               {"Authorization: Bearer key-of-somebody-1234\r\n", 200},
               {"X-API-Key: another-key-5678901\r\n", 200},
               {"X-API-Key: another-key-567890\r\n", 401},
               {"X-API-Key: another-key-56789012\r\n", 401},
               {"X-API-Key: # ours\r\n", 401},
               {"X-API-Key: another-key-5678901 \t\r\n", 200}, /* blanks around a value are no part of it */
               {"Authorization: Bearer  key-of-somebody-1234  \r\n", 200},
               {"Authorization: Bearer key-of-somebody-1234 x\r\n", 401},
               {"Authorization: Basic key-of-somebody-1234\r\n", 401},
               {"Authorization: Bearer a-proxy-s-own-token-1\r\nX-API-Key: another-key-5678901\r\n", 200},
               {"Authorization: Bearer key-of-somebody-1234\r\nX-API-Key: a-proxy-s-own-key-12\r\n", 200},
               {"Authorization: Bearer a-proxy-s-own-token-1\r\nX-API-Key: a-proxy-s-own-key-12\r\n", 401}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    reply r = serving_request(&s, "POST", "/invocations", cases[i].header, ONE "}]}");
    if (cases[i].status == 401) assert_non_null(strstr(r.head, "\r\nWWW-Authenticate: Bearer\r\n"));
    serving_assert(&r, cases[i].status, cases[i].status == 401 ? "expected an API key" : "predictions");
  }
  for (int i = 0; i < 40; i++) { /* whatever digests they have */
    char wrong[60];
    (void)snprintf(wrong, sizeof wrong, "X-API-Key: some-other-key-%d\r\n", i);
    reply r = serving_request(&s, "GET", "/metrics", wrong, NULL);
    serving_assert(&r, 401, "AuthenticationError");
  }
  reply r = serving_request(&s, "GET", "/metrics", "", NULL);
  serving_assert(&r, 401, "AuthenticationError");
  r = serving_request(&s, "GET", "/ping", "", NULL);
  serving_assert(&r, 200, "true");
  assert_int_equal(serving_stop(&s), 0);
  program_write_file(path, "short\n", 6);
  program_result p = PROGRAM_RUN("serve", "--listen", "127.0.0.1:0", "--api-keys", path);
  program_assert_error(&p, 1, "keys:1: expected a key of 16 to 256 characters");
  program_write_file(path, "# none\n", 7);
  p = PROGRAM_RUN("serve", "--listen", "127.0.0.1:0", "--api-keys", path);
  program_assert_error(&p, 1, "expected at least one key");
  free(path);
  program_remove_folder(folder);
}

/* ---- Ends ------------------------------------------------------------------------------------ */

static void test_drain(void **state) {
  (void)state;
  serving s = serving_start((const char *const[]){"--grace", "900", NULL});
  char *body = serving_make_body(small_leaves_out("16 of 20 series that are waited for") ? 4 : 20, 30, 5, heavy);
  burst running = {.server = &s, .body = body};
  pthread_t thread;
  int idle = serving_connect(&s); /* a connection that is open when the end begins */
  assert_int_equal(pthread_create(&thread, NULL, run_burst, &running), 0);
  serving_wait(&s, "\nchronos2_workers_busy 1\n");
  assert_int_equal(kill(s.child, SIGTERM), 0);
  reply r = {0};
  do { /* until the signal has arrived */
    free(r.body);
    r = serving_request(&s, "GET", "/ping", "", NULL);
  } while (r.status == 200);
  serving_assert(&r, 503, "{\"ready\":false}");
  r = serving_request(&s, "GET", "/healthz", "", NULL);
  serving_assert(&r, 200, "true");
  assert_true(serving_ask(idle, "POST", "/invocations", "", ONE "}]}"));
  r = serving_read(idle);
  assert_non_null(strstr(r.head, "\r\nRetry-After: 1\r\n"));
  assert_non_null(strcasestr(r.head, "\r\nConnection: close\r\n"));
  serving_assert(&r, 503, "the server is shutting down");
  assert_int_equal(pthread_join(thread, NULL), 0);
  serving_assert(&running.reply, 200, "predictions");
  close(idle);
  free(body);
  assert_int_equal(serving_stop(&s), 0);
}

/* Beyond the grace, or at a second signal, what runs is given up, and its client is told. */
static void test_cancel(void **state) {
  (void)state;
  serving s = serving_start((const char *const[]){"--grace", "0.3", NULL});
  char *body = serving_make_body(1000, 30, 5, heavy);
  burst running = {.server = &s, .body = body};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, run_burst, &running), 0);
  serving_wait(&s, "\nchronos2_workers_busy 1\n");
  assert_int_equal(serving_stop(&s), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  serving_assert(&running.reply, 503, "the server is shutting down");
  free(body);
}

/* After a kill a client has no answer, and the next server can listen at the same port at once. */
static void test_kill(void **state) {
  char address[40];
  (void)state;
  serving s = serving_start(NULL);
  char *body = serving_make_body(20, 30, 5, heavy);
  burst running = {.server = &s, .body = body};
  pthread_t thread;
  assert_int_equal(pthread_create(&thread, NULL, run_burst, &running), 0);
  serving_wait(&s, "\nchronos2_workers_busy 1\n");
  assert_int_equal(kill(s.child, SIGKILL), 0);
  assert_int_equal(pthread_join(thread, NULL), 0);
  assert_int_equal(running.reply.status, 0);
  (void)snprintf(address, sizeof address, "127.0.0.1:%d", s.port);
  assert_int_equal(serving_stop(&s), 128 + SIGKILL);
  s = serving_start((const char *const[]){"--listen", address, NULL});
  reply r = serving_post(&s, "/invocations", ONE "}]}");
  serving_assert(&r, 200, "predictions");
  program_result taken = PROGRAM_RUN("serve", "--listen", address);
  program_assert_error(&taken, 1, "Address already in use");
  free(body);
  assert_int_equal(serving_stop(&s), 0);
}

/* ":0" is all addresses, of both families where there are both; an address alone is no other one. */
static void test_all_addresses(void **state) {
  static const char *const asked[] = {":0", "127.0.0.1:0", "[::1]:0"};
  struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT};
  int probe = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
  bool has_six = probe >= 0 && bind(probe, (struct sockaddr *)&six, sizeof six) == 0;
  (void)state;
  if (probe >= 0) close(probe);
  if (!has_six) print_message("[ NOT RUN ] IPv6: this machine has none\n");
  for (size_t i = 0; i < (has_six ? 3 : 2); i++) {
    serving s = serving_start((const char *const[]){"--listen", asked[i], NULL});
    reply r = serving_request(&s, "GET", "/ping", "", NULL);
    assert_int_equal(r.status, i == 2 ? 0 : 200);
    free(r.body);
    six.sin6_port = htons((uint16_t)s.port);
    int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool connected = fd >= 0 && connect(fd, (struct sockaddr *)&six, sizeof six) == 0;
    assert_int_equal(connected, has_six && i != 1);
    if (connected) {
      assert_true(serving_ask(fd, "GET", "/ping", "", NULL));
      r = serving_read(fd);
      serving_assert(&r, 200, NULL);
    }
    if (fd >= 0) close(fd);
    assert_int_equal(serving_stop(&s), 0);
  }
}

/* Requests are told on standard error as JSON, one a line. */
static void test_log(void **state) {
  (void)state;
  serving s = serving_start((const char *const[]){"--log", "errors", NULL});
  reply r = serving_post(&s, "/invocations", ONE "}]}");
  serving_assert(&r, 200, "predictions");
  r = serving_request(&s, "GET", "/a\"b\\%0a", "", NULL);
  serving_assert(&r, 404, NULL);
  char *text = NULL;
  assert_int_equal(serving_end(&s, &text), 0);
  c2_json_document doc = {.path = "log", .failure = C2_ERR_FORMAT};
  c2_error err;
  size_t requests = 0;
  size_t lines = 0;
  char *save = NULL;
  for (char *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save), lines++) {
    assert_int_equal(c2_json_parse(&doc, line, strlen(line), &err), C2_OK);
    const char *event = c2_json_string(c2_json_get(doc.node, "event"));
    if (strcmp(event, "listening") == 0) {
      assert_string_equal(c2_json_string(c2_json_get(doc.node, "model")), "chronos2-micro");
    }
    if (strcmp(event, "request") != 0) continue;
    double status = 0;
    assert_true(c2_json_number(c2_json_get(doc.node, "status"), &status));
    assert_int_equal((int)status, 404);
    requests++;
  }
  assert_int_equal(requests, 1);
  assert_int_equal(lines, 4); /* listening, the request, draining, stopped */
  c2_json_free(&doc);
  free(text);
}

/* ---- The image's entry point ------------------------------------------------------------------- */

typedef enum place { MISSING, EMPTY, FULL, LOST, UNREADABLE, PLACES } place; /* where a model may be */

static const struct {
  const char *given[6];
  place place;
  const char *expected; /* %s: the place's path */
} starts[] = {{{"serve"}, MISSING, "serve --listen :8080\n"},
              {{"serve"}, EMPTY, "serve --listen :8080\n"},
              {{"serve"}, FULL, "serve --listen :8080 -m %s\n"},
              {{"serve"}, LOST, "serve --listen :8080 -m %s\n"},
              {{"serve"}, UNREADABLE, "serve --listen :8080 -m %s\n"},
              {{"serve", "--log", "errors"}, EMPTY, "serve --listen :8080 --log errors\n"},
              {{"serve", "--listen", ":90", "--model-name", "x"}, FULL, "serve -m %s --listen :90 --model-name x\n"},
              {{"serve", "--listen=:90"}, FULL, "serve -m %s --listen=:90\n"},
              {{"serve", "--lis", ":90"}, EMPTY, "serve --lis :90\n"},
              {{"serve", "-m", "mine"}, FULL, "serve --listen :8080 -m mine\n"},
              {{"serve", "-mmine"}, FULL, "serve --listen :8080 -mmine\n"},
              {{"serve", "--model", "mine"}, UNREADABLE, "serve --listen :8080 --model mine\n"},
              {{"serve", "--model=mine"}, FULL, "serve --listen :8080 --model=mine\n"},
              {{"forecast", "x.csv"}, FULL, "forecast x.csv\n"}};

/* Runs it with a model's place, and with programs of `folder` before those of the system. */
static program_result start_image(const char *const given[6], const char *at, const char *folder) {
  const char *argv[11] = {"/usr/bin/env", NULL, NULL, "/bin/sh", SOURCE_DIR "/examples/serve/entrypoint.sh"};
  char path[8192];
  char model[4096];
  (void)snprintf(path, sizeof path, "PATH=%s:%s", folder, getenv("PATH"));
  (void)snprintf(model, sizeof model, "SM_MODEL_DIR=%s", at);
  argv[1] = path;
  argv[2] = model;
  for (size_t i = 0; i < 5 && given[i]; i++) argv[5 + i] = given[i];
  return program_run(argv, NULL);
}

/* What its arguments leave open it gives. The bundled model is served only where no other is, not where another can't
 * be read: by a user who may not, or, as root may read anything, by an `ls` that fails. */
static void test_entrypoint(void **state) {
  static const char tell[] = "#!/bin/sh\necho \"$*\"\n";
  static const char fail[] = "#!/bin/sh\nexit 2\n";
  char *folder[3]; /* with programs; empty; with programs of which one fails */
  char *at[PLACES];
  (void)state;
  for (int i = 0; i < 3; i++) folder[i] = program_make_folder();
  for (int i = 0; i < 3; i += 2) {
    char *program = program_path(folder[i], "chronos2");
    program_write_file(program, tell, sizeof tell - 1);
    assert_int_equal(chmod(program, 0700), 0);
    free(program);
  }
  char *ls = program_path(folder[2], "ls");
  program_write_file(ls, fail, sizeof fail - 1);
  assert_int_equal(chmod(ls, 0700), 0);
  free(ls);
  at[MISSING] = program_path(folder[0], "missing");
  at[EMPTY] = folder[1];
  at[FULL] = folder[0];
  at[LOST] = program_path(folder[0], "lost");
  at[UNREADABLE] = folder[2];
  assert_int_equal(symlink("nowhere", at[LOST]), 0);
  for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
    char expected[4200];
    bool fails = starts[i].place == UNREADABLE;
    program_result r = start_image(starts[i].given, at[starts[i].place], folder[fails ? 2 : 0]);
    (void)snprintf(expected, sizeof expected, starts[i].expected, at[starts[i].place]);
    assert_int_equal(r.status, 0);
    assert_string_equal(r.out, expected);
    program_free(&r);
  }
  program_result r = start_image(starts[0].given, folder[0], BINARY_DIR); /* what is there is no model */
  program_assert_error(&r, 1, folder[0]);
  free(at[MISSING]);
  free(at[LOST]);
  for (int i = 0; i < 3; i++) program_remove_folder(folder[i]);
}

static void test_usage(void **state) {
  static const struct {
    const char *option, *value, *part;
  } cases[] = {{"--listen", "8080", "expected ADDRESS:PORT"}, {"--listen", "127.0.0.1:x", "expected ADDRESS:PORT"},
               {"--listen", "127.0.0.1:65536", "a port of at most 65535"},
               {"--listen", ":99999", "a port of at most 65535"},
               {"--listen", "[::1]:18446744073709551617", "a port of at most 65535"},
               {"--timeout", "0", "more than 0 seconds"},     {"--grace", "-1", "0 seconds or more"},
               {"--max-body", "5000", "at most 1024 MiB"},    {"--max-memory", "7", "at least the 8 MiB of --max-body"},
               {"--model-name", "", "expected 1 to 255 of A-Z"}, {"--model-name", "a/b", "found 'a/b'"},
               {"--model-name", "a b", "found 'a b'"},
               {"--log", "some", "expected all or errors"}};
  (void)state;
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    program_result p = PROGRAM_RUN("serve", cases[i].option, cases[i].value);
    program_assert_error(&p, 2, cases[i].part);
  }
  char name[257];
  memset(name, 'a', 256);
  name[256] = '\0';
  program_result p = PROGRAM_RUN("serve", "--model-name", name);
  program_assert_error(&p, 2, "expected 1 to 255 of A-Z");
}

/* A name of 255 characters, and the folder's, whatever stands for it, are those that the server goes by. */
static void test_names(void **state) {
  char name[256];
  char body[300];
  (void)state;
  memset(name, 'n', 255);
  name[255] = '\0';
  const struct {
    const char *option, *value, *expected;
  } cases[] = {{"--model-name", name, name},
               {"-m", SOURCE_DIR "/models/chronos2-micro/.", "chronos2-micro"},
               {"-m", SOURCE_DIR "/models/chronos2-micro/../chronos2-micro-r8/", "chronos2-micro-r8"},
               {"-m", SOURCE_DIR "/models/chronos2-micro/../chronos2-micro-r8/./", "chronos2-micro-r8"}};
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    serving s = serving_start((const char *const[]){cases[i].option, cases[i].value, NULL});
    (void)snprintf(body, sizeof body, "[\"%s\"]", cases[i].expected);
    reply r = serving_request(&s, "GET", "/v1/timeseries/models", "", NULL);
    serving_assert(&r, 200, body);
    assert_int_equal(serving_stop(&s), 0);
  }
  program_result p = PROGRAM_RUN("serve", "-m", SOURCE_DIR "/models");
  program_assert_error(&p, 1, "models");
}

/* ---- Running --------------------------------------------------------------------------------- */

/* A program without the library says how to get it. */
static void test_without(void **state) {
  (void)state;
  program_result p = PROGRAM_RUN("serve");
  program_assert_error(&p, 1, "run scripts/setup.sh serve");
}

int main(void) {
  const char *how = NULL;
  const struct CMUnitTest on_one_server[] = {
      cmocka_unit_test(test_routes), cmocka_unit_test(test_active), cmocka_unit_test(test_batches),
      cmocka_unit_test(test_turns), cmocka_unit_test(test_ambiguous),
  };
  const struct CMUnitTest on_own_servers[] = {
      cmocka_unit_test(test_garbage),  cmocka_unit_test(test_sizes),  cmocka_unit_test(test_full_queue),
      cmocka_unit_test(test_quantiles_memory),
      cmocka_unit_test(test_deadline), cmocka_unit_test(test_expiry),
      cmocka_unit_test(test_keys),     cmocka_unit_test(test_drain),  cmocka_unit_test(test_cancel),
      cmocka_unit_test(test_kill),     cmocka_unit_test(test_all_addresses),
      cmocka_unit_test(test_log),    cmocka_unit_test(test_usage), cmocka_unit_test(test_names),
      cmocka_unit_test(test_entrypoint)};
  const struct CMUnitTest without[] = {cmocka_unit_test(test_without)};
  if (!c2_web_available(&how)) return cmocka_run_group_tests(without, NULL, NULL);
  int failed = cmocka_run_group_tests(on_one_server, serving_start_shared, serving_stop_shared);
  return failed + cmocka_run_group_tests(on_own_servers, NULL, NULL);
}

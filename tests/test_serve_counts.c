/* What the server counts while several threads count: durations, and the memory of requests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <fcntl.h>
#include <pthread.h>

#include "serve/metrics.h"
#include "serve/server.h"
#include "small.h"

/* ---- Durations ------------------------------------------------------------------------------- */

typedef struct counting {
  c2_metrics metrics;
  atomic_bool is_over;
} counting;

static void *count_on(void *argument) {
  counting *c = argument;
  while (!atomic_load(&c->is_over)) c2_metrics_count(&c->metrics, 0, C2_HTTP_OK, 10); /* the last but one */
  return NULL;
}

/* A histogram never falls, whatever is counted while it is written. */
static void test_histogram(void **state) {
  enum { ROUNDS = 2000 };
  static counting c;
  const char *route = "x";
  pthread_t thread;
  (void)state;
  c2_metrics_count(&c.metrics, 0, C2_HTTP_OK, 0);
  assert_int_equal(pthread_create(&thread, NULL, count_on, &c), 0);
  for (int i = 0; i < ROUNDS; i++) {
    static const char before[] = "chronos2_request_seconds_bucket{";
    c2_answer answer = {.body = NULL};
    long long last = 0;
    size_t buckets = 0;
    c2_metrics_write(&c.metrics, &route, 1, NULL, 0, &answer);
    assert_int_equal(answer.status, C2_HTTP_OK);
    for (char *at = answer.body; (at = strstr(at, before)); buckets++) {
      at = strchr(at, ' ');
      long long next = strtoll(at, NULL, 10);
      if (next < last) fail_msg("%lld behind %lld", next, last);
      last = next;
    }
    assert_int_equal(buckets, C2_METRICS_BOUNDS + 1);
    c2_answer_free(&answer);
  }
  atomic_store(&c.is_over, true);
  assert_int_equal(pthread_join(thread, NULL), 0);
}

/* ---- Memory ---------------------------------------------------------------------------------- */

enum { BODY = 1 << 20, MEMORY = 2 * BODY - 1 };

static char bytes[BODY];
static int rounds; /* of bodies */

static void wake(void *connection) {
  (void)connection;
}

/* Sends a body. Whether the server has refused it at once. */
static bool send_body(c2_server *server, size_t size) {
  const c2_head sized = {
      .method = "POST", .path = "/invocations", .content_type = "application/json", .length = (int64_t)size};
  c2_exchange *e = c2_exchange_open(server, &sized, wake, NULL);
  assert_non_null(e);
  c2_exchange_take(e, bytes, size);
  bool is_refused = c2_exchange_is_answered(e);
  if (is_refused) assert_int_equal(c2_exchange_answer(e)->status, C2_HTTP_TOO_MANY);
  c2_exchange_close(&e, true, 0);
  return is_refused;
}

static const c2_server_options options = {
    .body = BODY, .memory = MEMORY, .contexts = BODY, .errors_only = true, .limits = {.model = "m"}};
static const c2_head head = {
    .method = "POST", .path = "/invocations", .content_type = "application/json", .length = -1};

static void *send_small(void *argument) {
  size_t refused = 0;
  for (int i = 0; i < rounds; i++) refused += send_body(argument, 1);
  return (void *)(uintptr_t)refused;
}

/* A request that finds no room takes none from those that find theirs. */
static void test_memory(void **state) {
  chronos2_model *model = NULL;
  c2_server *server = NULL;
  c2_error err;
  pthread_t thread;
  void *refused = NULL;
  (void)state;
  rounds = small_leaves_out("27,000 of 30,000 bodies that find no room") ? 3000 : 30000;
  assert_int_equal(chronos2_model_open(SOURCE_DIR "/models/chronos2-micro", NULL, &model), CHRONOS2_OK);
  assert_int_equal(c2_server_open(&server, model, &options, &err), C2_OK);
  int log = dup(STDERR_FILENO); /* each refusal is logged */
  int null = open("/dev/null", O_WRONLY | O_CLOEXEC);
  assert_true(log >= 0 && null >= 0 && dup2(null, STDERR_FILENO) >= 0);
  c2_exchange *first = c2_exchange_open(server, &head, wake, NULL);
  assert_non_null(first);
  c2_exchange_take(first, bytes, BODY);
  assert_false(c2_exchange_is_answered(first)); /* and no second one has room beside it and a small one */
  assert_int_equal(pthread_create(&thread, NULL, send_small, server), 0);
  size_t large = 0;
  for (int i = 0; i < rounds; i++) large += send_body(server, BODY);
  assert_int_equal(pthread_join(thread, &refused), 0);
  assert_true(dup2(log, STDERR_FILENO) >= 0);
  close(log);
  close(null);
  c2_exchange_close(&first, true, 0);
  c2_server_close(&server);
  chronos2_model_close(&model);
  assert_int_equal(large, rounds);
  assert_int_equal((uintptr_t)refused, 0);
}

/* ---- The end --------------------------------------------------------------------------------- */

/* A server that drains waits for what began before, not for those that it turns away. */
static void test_draining(void **state) {
  chronos2_model *model = NULL;
  c2_server *server = NULL;
  c2_error err;
  (void)state;
  assert_int_equal(chronos2_model_open(SOURCE_DIR "/models/chronos2-micro", NULL, &model), CHRONOS2_OK);
  assert_int_equal(c2_server_open(&server, model, &options, &err), C2_OK);
  c2_exchange *before = c2_exchange_open(server, &head, wake, NULL);
  assert_non_null(before);
  c2_server_drain(server);
  c2_exchange *after = c2_exchange_open(server, &head, wake, NULL);
  assert_non_null(after);
  assert_int_equal(c2_exchange_answer(after)->status, C2_HTTP_UNAVAILABLE);
  assert_int_equal(c2_server_active(server), 1);
  c2_exchange_close(&before, true, 0);
  assert_int_equal(c2_server_active(server), 0);
  c2_exchange_close(&after, true, 0);
  assert_int_equal(c2_server_active(server), 0);
  c2_server_close(&server);
  chronos2_model_close(&model);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_histogram), cmocka_unit_test(test_memory),
                                     cmocka_unit_test(test_draining)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

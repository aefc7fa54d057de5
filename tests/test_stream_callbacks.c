/* What callbacks hear of chronos2_predict_stream: the progress and the attention of the whole table. */
#include "stream.h"

typedef struct reports {
  size_t calls, done[ITEMS], total[ITEMS], most;
} reports;

static int on_progress(void *user, size_t done, size_t total) {
  reports *r = user;
  assert_true(r->calls < ITEMS);
  r->done[r->calls] = done;
  r->total[r->calls++] = total;
  return r->calls == r->most;
}

static void test_progress_counts_the_table(void **state) {
  (void)state;
  mock_batch all = whole(4);
  mock_table table = {.batches = 1, .batch = &all};
  reports heard = {.most = 0};
  reset_options();
  options.batch_series = 1;
  options.gather = true;
  chronos2_session_on_progress(session, on_progress, &heard);
  result r = forecast(&table, NULL, NULL);
  free_result(&r);
  assert_int_equal(heard.calls, ITEMS);
  for (size_t i = 0; i < ITEMS; i++) assert_int_equal(heard.done[i], i + 1);
  for (size_t i = 0; i < ITEMS; i++) assert_int_equal(heard.total[i], ITEMS);
  heard = (reports){.most = 2};
  r = forecast(&table, NULL, "stopped on request");
  assert_int_equal(r.count, HORIZON);
  free_result(&r);
  chronos2_session_on_progress(session, NULL, NULL);
}

static int forget(void *user, size_t done, size_t total) {
  ++*(size_t *)user;
  assert_true(done == 1 && total == ITEMS);
  chronos2_session_on_progress(session, NULL, NULL);
  return 0;
}

/* Of a stream, too, a progress function may remove or replace itself: in mid-batch, and for the batches that follow. */
static int hand_on(void *user, size_t done, size_t total) {
  (void)total;
  assert_int_equal(done, 1);
  chronos2_session_on_progress(session, on_progress, user);
  return 0;
}

static void test_progress_changes_itself(void **state) {
  (void)state;
  mock_batch all = whole(4);
  reset_options();
  options.gather = true;
  predict.batch_size = 1;
  for (size_t k = 0; k < 2; k++) {
    options.batch_series = k; /* all in one batch, or each in one of its own */
    size_t calls = 0;
    chronos2_session_on_progress(session, forget, &calls);
    result r = forecast_batches(&all, 1, NULL);
    assert_int_equal(calls, 1);
    free_result(&r);
    reports heard = {.most = 0};
    chronos2_session_on_progress(session, hand_on, &heard);
    r = forecast_batches(&all, 1, NULL);
    chronos2_session_on_progress(session, NULL, NULL);
    assert_int_equal(heard.calls, ITEMS - 1);
    for (size_t i = 0; i < ITEMS - 1; i++) assert_true(heard.done[i] == i + 2 && heard.total[i] == ITEMS);
    free_result(&r);
  }
}

static void count_rows(void *user, const chronos2_attention_row *a) {
  size_t *seen = user;
  assert_true(a->series < ITEMS);
  if (a->tokens == a->context + 1) seen[a->series] += a->context;
}

/* An observer is told items of df, whatever batches they are in. */
static void test_observed_items(void **state) {
  (void)state;
  mock_batch all = whole(4);
  size_t expected[ITEMS] = {0};
  reset_options();
  chronos2_session_on_attention(session, count_rows, expected);
  result r = forecast_batches(&all, 1, NULL);
  free_result(&r);
  for (size_t i = 0; i < ITEMS; i++) assert_true(expected[i] > 0);
  for (size_t size = 1; size < ITEMS; size++) {
    size_t seen[ITEMS] = {0};
    options.batch_series = size;
    chronos2_session_on_attention(session, count_rows, seen);
    r = forecast_batches(&all, 1, NULL);
    free_result(&r);
    assert_memory_equal(seen, expected, sizeof seen);
  }
  chronos2_session_on_attention(session, NULL, NULL);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test_setup(test_progress_counts_the_table, prepare),
                                     cmocka_unit_test_setup(test_progress_changes_itself, prepare),
                                     cmocka_unit_test_setup(test_observed_items, prepare)};
  return cmocka_run_group_tests(tests, open_all, close_all);
}

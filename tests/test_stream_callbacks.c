/* What callbacks hear of chronos2_predict_stream: the progress and the attention of the whole table. */
#include "stream.h"

#include <errno.h>

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

/* Asking the stream itself for rows, from within its own progress function, is refused, and it goes on. */
static int pull(void *user, size_t done, size_t total) {
  struct ArrowArrayStream *stream = *(struct ArrowArrayStream **)user;
  struct ArrowArray rows = {.length = 1};
  (void)done, (void)total;
  assert_int_equal(stream->get_next(stream, &rows), EINVAL);
  assert_null(rows.release);
  return 0;
}

static void test_rows_from_within(void **state) {
  (void)state;
  mock_batch all = whole(4);
  mock_table table = {.batches = 1, .batch = &all};
  struct ArrowArrayStream df = mock_stream(&table);
  struct ArrowArrayStream out;
  struct ArrowArrayStream *own = &out;
  size_t rows = 0;
  reset_options();
  options.gather = true;
  options.batch_series = 1;
  assert_int_equal(chronos2_predict_stream(session, &df, NULL, &options, &out), CHRONOS2_OK);
  chronos2_session_on_progress(session, pull, &own);
  for (struct ArrowArray array = {.length = 1}; array.length > 0; array.release(&array)) {
    assert_int_equal(out.get_next(&out, &array), 0);
    if (!array.release) break;
    rows += (size_t)array.length;
  }
  chronos2_session_on_progress(session, NULL, NULL);
  out.release(&out);
  assert_int_equal(rows, ITEMS * HORIZON);
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
                                     cmocka_unit_test_setup(test_rows_from_within, prepare),
                                     cmocka_unit_test_setup(test_observed_items, prepare)};
  return cmocka_run_group_tests(tests, open_all, close_all);
}

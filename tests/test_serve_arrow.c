/* Arrow bodies of `chronos2 serve`: the program's own answers, and refusals. */
#include "serving.h"

#include "data/ipc.h"

#define TYPE "application/vnd.apache.arrow.stream"

static reply post(const serving *s, const char *parameters, const char *body, size_t size) {
  char head[1024];
  reply r = {0};
  int n = snprintf(head, sizeof head,
                   "POST /invocations HTTP/1.1\r\nHost: test\r\nContent-Type: " TYPE
                   "\r\nContent-Length: %zu\r\n%s%s%s\r\n",
                   size, parameters ? "X-Chronos2-Parameters: " : "", parameters ? parameters : "",
                   parameters ? "\r\n" : "");
  int fd = serving_connect(s);
  assert_true(fd >= 0);
  if (serving_send(fd, head, (size_t)n) && serving_send(fd, body, size)) r = serving_read(fd);
  close(fd);
  return r;
}

static char *read_bytes(const char *path, size_t *size) {
  FILE *in = fopen(path, "rb");
  char *bytes = calloc(1, 1 << 20);
  assert_true(in && bytes);
  *size = fread(bytes, 1, 1 << 20, in);
  assert_true(*size < 1 << 20);
  (void)fclose(in);
  return bytes;
}

/* The first columns of a table of items of these lengths, hourly. */
static char *make_table(const size_t *lengths, size_t items, size_t count, size_t *size) {
  static const char *const words[] = {"a", "b", "c", "d"};
  static const char *const names[] = {"item_id", "target", "x", "timestamp"};
  static const char *const formats[] = {"u", "g", "g", "tsu:"};
  uint32_t code[400];
  int64_t time[400];
  double value[2][400];
  size_t rows = 0;
  for (size_t i = 0; i < items; i++) {
    for (size_t t = 0; t < lengths[i]; t++, rows++) {
      code[rows] = (uint32_t)i;
      time[rows] = INT64_C(1704067200000000) + (int64_t)t * INT64_C(3600000000);
      value[0][rows] = (double)((t * (i + 3)) % 11) + 0.125;
      value[1][rows] = (double)(t % 5);
    }
  }
  c2_column columns[] = {{.type = C2_COLUMN_TEXT, .code = code, .word = words, .words = 4},
                         {.type = C2_COLUMN_NUMBER, .number = value[0]},
                         {.type = C2_COLUMN_NUMBER, .number = value[1]},
                         {.type = C2_COLUMN_TIME, .time = time}};
  c2_frame frame = {.column = columns, .columns = count, .rows = rows};
  c2_ipc_writer *writer = NULL;
  char *bytes = NULL;
  c2_error err;
  FILE *out = open_memstream(&bytes, size);
  assert_int_equal(c2_ipc_writer_open(&writer, names, formats, frame.columns, false, out, &err), C2_OK);
  assert_int_equal(c2_ipc_writer_put(writer, &frame, &err), C2_OK);
  assert_int_equal(c2_ipc_writer_finish(writer, &err), C2_OK);
  c2_ipc_writer_close(&writer);
  assert_int_equal(fclose(out), 0);
  return bytes;
}

/* Items of unequal length: the bytes that the program writes of the same table. */
static void test_same_bytes(void **state) {
  static const size_t lengths[] = {40, 77};
  char *folder = program_make_folder();
  char *in = program_path(folder, "in.arrows");
  char *out = program_path(folder, "out.arrows");
  size_t size = 0;
  size_t expected_size = 0;
  char *table = make_table(lengths, 2, 4, &size);
  program_write_file(in, table, size);
  program_result run = PROGRAM_RUN("forecast", in, "-n", "5", "--covariates", "x", "--quantile-levels", "0.05,0.5,0.93",
                                   "-o", out);
  if (run.status != 0) fail_msg("%s", run.err);
  char *expected = read_bytes(out, &expected_size);
  reply r = post(*state, "{\"prediction_length\":5,\"quantile_levels\":[0.05,0.5,0.93]}", table, size);
  if (r.status != 200) fail_msg("%s", r.body);
  assert_non_null(strstr(r.head, TYPE));
  assert_int_equal(r.size, expected_size);
  assert_memory_equal(r.body, expected, expected_size);
  free(r.body);
  free(expected);
  free(table);
  free(in);
  free(out);
  program_free(&run);
  program_remove_folder(folder);
}

#define LZ4 SOURCE_DIR "/tests/fuzz/corpus/arrow/lz4"

static void test_refusals(void **state) {
  static const size_t lengths[] = {20, 20};
  size_t size = 0;
  char *table = make_table(lengths, 2, 1, &size);
  reply r = post(*state, NULL, table, size);
  serving_assert(&r, 400, "target");
  free(table);
  table = make_table(lengths, 2, 4, &size);
  r = post(*state, "{\"horizon\":5}", table, size);
  serving_assert(&r, 400, "unknown key");
  r = post(*state, "[1]", table, size);
  serving_assert(&r, 400, "expected an object");
  r = post(*state, NULL, "{\"inputs\":[{\"target\":[1,2,3]}]}", 31);
  serving_assert(&r, 400, "expected Arrow's IPC format");
  r = post(*state, NULL, "", 0);
  serving_assert(&r, 400, "empty body");
  for (size_t cut = 1; cut < size; cut += 1 + size / 40) {
    r = post(*state, NULL, table, cut);
    serving_assert(&r, 400, "message");
  }
  for (size_t at = 0; at < size; at += 1 + size / 150) {
    table[at] = (char)(table[at] ^ 0x55);
    r = post(*state, NULL, table, size);
    if (r.status != 200 && r.status != 400 && r.status != 415) fail_msg("byte %zu: %d %s", at, r.status, r.body);
    free(r.body);
    table[at] = (char)(table[at] ^ 0x55);
  }
  r = post(*state, NULL, table, size);
  serving_assert(&r, 200, NULL);
  free(table);
  table = read_bytes(LZ4, &size);
  size_t from = table[0] == 'A' || table[0] == '\xff' ? 0 : 1; /* a fuzzer's input may begin with a byte of its own */
  r = post(*state, NULL, table + from, size - from);
  serving_assert(&r, 415, "compressed by LZ4: expected uncompressed ones");
  free(table);
}

/* More series than a request may have, and a path that takes no Arrow. */
static void test_limits(void **state) {
  static const char *const arguments[] = {"--max-series", "1", NULL};
  static const size_t lengths[] = {20, 20};
  size_t size = 0;
  char *table = make_table(lengths, 2, 4, &size);
  serving s = serving_start(arguments);
  reply r = post(&s, NULL, table, size);
  serving_assert(&r, 400, "expected at most 1 series, found 2");
  assert_int_equal(serving_stop(&s), 0);
  r = serving_request(*state, "POST", "/v1/contexts", "Content-Type: " TYPE "\r\nContent-Length: 0\r\n", NULL);
  serving_assert(&r, 415, "expected Content-Type: application/json");
  free(table);
}

static void test_without(void **state) {
  const char *how = NULL;
  (void)c2_ipc_available(&how);
  reply r = post(*state, NULL, "x", 1);
  serving_assert(&r, 415, how);
}

int main(void) {
  const struct CMUnitTest with[] = {cmocka_unit_test(test_same_bytes), cmocka_unit_test(test_refusals),
                                    cmocka_unit_test(test_limits)};
  const struct CMUnitTest without[] = {cmocka_unit_test(test_without)};
  const char *how = NULL;
  return c2_ipc_available(&how) ? cmocka_run_group_tests(with, serving_start_shared, serving_stop_shared)
                                : cmocka_run_group_tests(without, serving_start_shared, serving_stop_shared);
}

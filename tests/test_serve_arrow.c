/* Arrow bodies of `chronos2 serve`: the program's own answers, and refusals. */
#include "serving.h"

#include <math.h>

#include "data/ipc.h"
#include "small.h"
#include "time/calendar.h"

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
  enum { ROOM = 1 << 24 };
  FILE *in = fopen(path, "rb");
  char *bytes = calloc(1, ROOM);
  assert_true(in && bytes);
  *size = fread(bytes, 1, ROOM, in);
  assert_true(*size < ROOM);
  (void)fclose(in);
  return bytes;
}

/* ---- Tables ------------------------------------------------------------------------------------ */

enum { MOST_ROWS = 4096, MOST_ITEMS = 300, MOST_COLUMNS = 13 };

/* Hourly rows of items in order: what the tests make of them is told to make_stream. */
typedef struct rows {
  const char *word[MOST_ITEMS];
  char id[MOST_ITEMS][16];
  uint32_t code[MOST_ROWS];
  int64_t time[MOST_ROWS];
  double target[MOST_ROWS], x[MOST_ROWS];
  size_t items, count;
} rows;

static rows *make_rows(size_t items, size_t length) {
  rows *r = calloc(1, sizeof *r);
  assert_true(r && items <= MOST_ITEMS && items * length <= MOST_ROWS);
  r->items = items;
  for (size_t i = 0; i < items; i++) {
    (void)snprintf(r->id[i], sizeof r->id[i], "item %zu", i);
    r->word[i] = r->id[i];
    for (size_t t = 0; t < length; t++, r->count++) {
      r->code[r->count] = (uint32_t)i;
      r->time[r->count] = INT64_C(1704067200000000) + (int64_t)t * INT64_C(3600000000);
      r->target[r->count] = (double)((t * (i + 3)) % 11) + 0.125;
      r->x[r->count] = (double)(t % 5);
    }
  }
  return r;
}

/* One column of a stream: its name, Arrow's format, and from which of the rows' it is made. */
typedef struct column {
  const char *name, *format;
  char from; /* i: ids, t: times, y: targets, x: the covariate */
} column;

static char *make_stream(const rows *r, const column *columns, size_t count, bool is_file, size_t *size) {
  const char *names[MOST_COLUMNS];
  const char *formats[MOST_COLUMNS];
  c2_column made[MOST_COLUMNS];
  c2_frame frame = {.column = made, .columns = count, .rows = r->count};
  c2_ipc_writer *writer = NULL;
  char *bytes = NULL;
  c2_error err;
  assert_true(count <= MOST_COLUMNS);
  for (size_t k = 0; k < count; k++) {
    char from = columns[k].from;
    names[k] = columns[k].name;
    formats[k] = columns[k].format;
    made[k] = (c2_column){.type = from == 'i'   ? C2_COLUMN_TEXT
                                  : from == 't' ? C2_COLUMN_TIME
                                                : C2_COLUMN_NUMBER};
    if (from == 'i') {
      made[k] = (c2_column){.type = C2_COLUMN_TEXT,
                            .code = (uint32_t *)(uintptr_t)r->code,
                            .word = (const char **)(uintptr_t)r->word,
                            .words = r->items};
    } else if (from == 't') {
      made[k].time = (int64_t *)(uintptr_t)r->time;
    } else {
      made[k].number = (double *)(uintptr_t)(from == 'y' ? r->target : r->x);
    }
  }
  FILE *out = open_memstream(&bytes, size);
  assert_int_equal(c2_ipc_writer_open(&writer, names, formats, count, is_file, out, &err), C2_OK);
  if (r->count > 0) assert_int_equal(c2_ipc_writer_put(writer, &frame, &err), C2_OK);
  assert_int_equal(c2_ipc_writer_finish(writer, &err), C2_OK);
  c2_ipc_writer_close(&writer);
  assert_int_equal(fclose(out), 0);
  return bytes;
}

static const column usual[] = {
    {"item_id", "u", 'i'}, {"target", "g", 'y'}, {"timestamp", "tsu:", 't'}, {"x", "g", 'x'}};
enum { BARE = 3, WITH_COVARIATE = 4 };

/* ---- The program's own answers ----------------------------------------------------------------- */

/* What `chronos2 forecast` writes for a table. */
static char *forecast(const char *table, size_t size, const char *horizon, const char *levels, size_t *out_size) {
  char *folder = program_make_folder();
  char *in = program_path(folder, "in.arrows");
  char *out = program_path(folder, "out.arrows");
  program_write_file(in, table, size);
  program_result run = PROGRAM_RUN("forecast", in, "-n", horizon, "--all-covariates", "--quantile-levels", levels, "-o",
                                   out);
  if (run.status != 0) fail_msg("%s", run.err);
  char *bytes = read_bytes(out, out_size);
  free(in);
  free(out);
  program_free(&run);
  program_remove_folder(folder);
  return bytes;
}

/* Items of unequal length: the bytes that the program writes of the same table, be it a stream or a file, and its ids
 * texts or whole numbers. */
static void test_same_bytes(void **state) {
  rows *r = make_rows(2, 77);
  r->count -= 37;
  for (int kind = 0; kind < 4; kind++) {
    size_t size = 0;
    size_t expected_size = 0;
    column columns[WITH_COVARIATE];
    memcpy(columns, usual, sizeof columns);
    if (kind >= 2) {
      columns[0].format = "l";
      r->word[0] = "9007199254740993";
      r->word[1] = "-2";
    }
    char *table = make_stream(r, columns, WITH_COVARIATE, kind % 2, &size);
    char *expected = forecast(table, size, "5", "0.05,0.5,0.93", &expected_size);
    reply found = post(*state, "{\"prediction_length\":5,\"quantile_levels\":[0.05,0.5,0.93]}", table, size);
    if (found.status != 200) fail_msg("%s", found.body);
    assert_non_null(strstr(found.head, TYPE));
    assert_null(strstr(found.head, "X-Chronos2-Warnings"));
    assert_int_equal(found.size, expected_size);
    assert_memory_equal(found.body, expected, expected_size);
    free(found.body);
    free(expected);
    free(table);
  }
  free(r);
}

/* The rows of a stream, whatever its batches are, as bytes that can be compared. */
static char *flatten(const char *bytes, size_t size, size_t lengths[4], size_t *out_size) {
  struct ArrowArrayStream stream;
  char *text = NULL;
  c2_error err;
  size_t batches = 0;
  FILE *out = open_memstream(&text, out_size);
  if (c2_ipc_open(&stream, bytes, size, &(c2_ipc_options){0}, &err) != C2_OK) fail_msg("%s", err.text);
  for (;;) {
    struct ArrowArray batch;
    assert_int_equal(stream.get_next(&stream, &batch), 0);
    if (!batch.release) break;
    assert_true(batches < 4);
    lengths[batches++] = (size_t)batch.length;
    for (int64_t i = 0; i < batch.length; i++) {
      for (int64_t k = 0; k < batch.n_children; k++) {
        const void *const *buffers = batch.children[k]->buffers;
        if (k == 0 || k == 2) {
          const int32_t *offset = buffers[1];
          (void)fprintf(out, "%.*s ", (int)(offset[i + 1] - offset[i]), (const char *)buffers[2] + offset[i]);
        } else if (k == 1) {
          (void)fprintf(out, "%lld ", (long long)((const int64_t *)buffers[1])[i]);
        } else {
          (void)fwrite((const float *)buffers[1] + i, sizeof(float), 1, out);
        }
      }
    }
    batch.release(&batch);
  }
  stream.release(&stream);
  assert_int_equal(fclose(out), 0);
  return text;
}

/* An answer that fills a record batch has the program's bytes, and a longer one the program's rows in two batches. */
static void test_batches(void **state) {
  size_t first = small_leaves_out("an answer that is one whole batch") ? 257 : 256;
  for (size_t items = first; items <= 257; items++) {
    rows *r = make_rows(items, 6);
    size_t size = 0;
    size_t sizes[2] = {0, 0};
    size_t lengths[2][4] = {{0}, {0}};
    char *flat[2] = {NULL, NULL};
    size_t flat_size[2] = {0, 0};
    char *table = make_stream(r, usual, BARE, false, &size);
    char *expected = forecast(table, size, "256", "0.5", &sizes[0]);
    reply found = post(*state, "{\"prediction_length\":256,\"quantile_levels\":[0.5]}", table, size);
    if (found.status != 200) fail_msg("%s", found.body);
    sizes[1] = found.size;
    flat[0] = flatten(expected, sizes[0], lengths[0], &flat_size[0]);
    flat[1] = flatten(found.body, sizes[1], lengths[1], &flat_size[1]);
    assert_int_equal(lengths[1][0], 65536);
    assert_int_equal(lengths[1][1], (items - 256) * 256);
    assert_int_equal(lengths[0][0] + lengths[0][1], items * 256);
    assert_true(flat_size[0] > items * 256 * 20);
    assert_int_equal(flat_size[0], flat_size[1]);
    assert_memory_equal(flat[0], flat[1], flat_size[0]);
    if (items == 256) {
      assert_int_equal(sizes[0], sizes[1]);
      assert_memory_equal(found.body, expected, sizes[0]);
    }
    free(flat[0]);
    free(flat[1]);
    free(found.body);
    free(expected);
    free(table);
    free(r);
  }
}

/* ---- Warnings ---------------------------------------------------------------------------------- */

static const char *const warnings[] = {
    "quantile levels outside the trained ones, 0.01 to 0.99, take the values of the nearest of those: 0.001",
    "horizon 257 is beyond the 256 steps that the model forecasts at once: the rest is rolled out",
    "1 series, 'm\\u00fcnchen' the first, holds no observed value",
    ("1 series, 'item 1' the first, ends in missing targets, for 1 step: the forecast begins after the last row, not "
     "after the last observation; covariates of such rows are past ones, since Arrow bodies take no known future"),
    "the body: 2 steps have no row and are filled in as missing"};

/* All that is guessed or filled in reaches the client, in order and in ASCII; the log then has nothing of it. */
static void test_warnings(void **state) {
  serving s = serving_start(NULL);
  rows *r = make_rows(2, 30);
  char expected[1200] = "\r\nX-Chronos2-Warnings: [";
  char *log = NULL;
  size_t size = 0;
  (void)state;
  r->word[0] = "m\xc3\xbcnchen";
  for (size_t i = 0; i < 30; i++) r->target[i] = (double)NAN;
  r->target[59] = (double)NAN;
  for (size_t i = 56; i < 60; i++) r->time[i] += INT64_C(7200000000);
  char *table = make_stream(r, usual, WITH_COVARIATE, false, &size);
  reply found = post(&s, "{\"prediction_length\":257,\"quantile_levels\":[0.001]}", table, size);
  for (size_t i = 0; i < sizeof warnings / sizeof warnings[0]; i++) {
    size_t used = strlen(expected);
    (void)snprintf(expected + used, sizeof expected - used, "%s\"%s\"", i ? "," : "", warnings[i]);
  }
  strcat(expected, "]\r\n");
  if (!strstr(found.head, expected)) fail_msg("expected %s in %s", expected, found.head);
  serving_assert(&found, 200, NULL);
  free(table);
  table = make_stream(r, usual, 2, false, &size); /* no time stamps */
  found = post(&s, NULL, table, size);
  assert_non_null(strstr(found.head, "[\"the body: no column 'timestamp': the rows of an item count as steps"));
  serving_assert(&found, 200, NULL);
  free(table);
  assert_int_equal(serving_end(&s, &log), 0);
  assert_null(strstr(log, "\"event\":\"table\""));
  free(log);
  free(r);
}

/* Headers stay short: what no longer fits is counted, and logged under the request's id, even by a log of errors alone.
 * An id of a series may take six bytes for each of its signs. */
static void test_long_warnings(void **state) {
  serving s = serving_start((const char *const[]){"--log", "errors", NULL});
  rows *r = make_rows(3, 20);
  char id[81];
  char request[33];
  char line[200];
  char *log = NULL;
  size_t size = 0;
  (void)state;
  memset(id, '<', 80);
  id[80] = '\0';
  r->word[2] = id;
  for (size_t i = 40; i < 60; i++) {
    r->target[i] = (double)NAN;
    r->time[i] = r->time[40] + (int64_t)(i - 40) * INT64_C(86400000000);
  }
  r->target[39] = (double)NAN;
  char *table = make_stream(r, usual, WITH_COVARIATE, false, &size);
  reply found = post(&s, "{\"prediction_length\":257,\"quantile_levels\":[0.001]}", table, size);
  const char *header = strstr(found.head, "X-Chronos2-Warnings: [\"the body: items differ in frequency: ");
  if (!header) fail_msg("%s", found.head);
  size_t length = strcspn(header, "\r");
  assert_true(length > 1000 && length < 1700);
  assert_memory_equal(header + length - 34, ",\"1 more are in the server's log\"]", 34);
  const char *at = strstr(found.head, "\r\nX-Request-Id: ");
  assert_true(at && sscanf(at, "\r\nX-Request-Id: %32[0-9a-f]", request) == 1);
  serving_assert(&found, 200, NULL);
  free(table);
  assert_int_equal(serving_end(&s, &log), 0);
  (void)snprintf(line, sizeof line, "\"event\":\"table\",\"id\":\"%s\",\"note\":\"1 series, 'item 1' the first, ends",
                 request);
  if (!strstr(log, line) || program_count(log, "\"event\":\"table\"") != 1) fail_msg("expected %s in %s", line, log);
  free(log);
  free(r);
}

/* ---- Time zones -------------------------------------------------------------------------------- */

/* Days of Berlin from 5 March 2024 on, at a second of the day by its clock, which is put forward on the 31st at 2. */
static int64_t day_of_berlin(size_t day, int64_t second) {
  bool is_summer = day > 26 || (day == 26 && second >= 7200);
  return (INT64_C(1709596800) + (int64_t)day * 86400 + second - (is_summer ? 7200 : 3600)) * 1000000;
}

static char *make_days(rows *r, size_t length, int64_t second, const char *format, size_t *size) {
  const column zoned[BARE] = {{"item_id", "u", 'i'}, {"target", "g", 'y'}, {"timestamp", format, 't'}};
  for (size_t i = 0; i < r->count; i++) r->time[i] = day_of_berlin(i % length, second);
  return make_stream(r, zoned, BARE, false, size);
}

/* The format of an answer's time stamps, and the first two of them. */
static void read_stamps(const reply *answer, char format[64], int64_t first[2]) {
  struct ArrowArrayStream stream;
  struct ArrowSchema schema;
  struct ArrowArray batch;
  c2_error err;
  if (c2_ipc_open(&stream, answer->body, answer->size, &(c2_ipc_options){0}, &err) != C2_OK) fail_msg("%s", err.text);
  assert_int_equal(stream.get_schema(&stream, &schema), 0);
  assert_int_equal(stream.get_next(&stream, &batch), 0);
  assert_true(batch.length >= 2);
  (void)snprintf(format, 64, "%s", schema.children[1]->format);
  memcpy(first, batch.children[1]->buffers[1], 2 * sizeof *first);
  batch.release(&batch);
  schema.release(&schema);
  stream.release(&stream);
}

/* Days are those of the zone, before, over and behind a change of its clock, and hours are instants. The answer has the
 * zone, and is the program's. */
static void test_zones(void **state) {
  for (size_t length = 20; length <= 32; length += 3) {
    rows *r = make_rows(2, length);
    char format[64];
    int64_t first[2];
    size_t sizes[2];
    char *table = make_days(r, length, 0, "tsu:Europe/Berlin", &sizes[0]);
    reply found = post(*state, "{\"prediction_length\":5,\"quantile_levels\":[0.5]}", table, sizes[0]);
    if (found.status != 200) fail_msg("%s", found.body);
    assert_null(strstr(found.head, "X-Chronos2-Warnings"));
    read_stamps(&found, format, first);
    assert_string_equal(format, "tsu:Europe/Berlin");
    for (size_t k = 0; k < 2; k++) assert_int_equal(first[k], day_of_berlin(length + k, 0));
    char *expected = forecast(table, sizes[0], "5", "0.5", &sizes[1]);
    assert_int_equal(found.size, sizes[1]);
    assert_memory_equal(found.body, expected, sizes[1]);
    free(expected);
    free(table);
    free(found.body);
    free(r);
  }
  static const char *const formats[] = {"tsu:Europe/Berlin", "tsu:UTC", "tsu:+05:30"};
  for (size_t k = 0; k < sizeof formats / sizeof formats[0]; k++) {
    rows *r = make_rows(2, 30);
    char format[64];
    int64_t first[2];
    size_t size = 0;
    column zoned[BARE] = {{"item_id", "u", 'i'}, {"target", "g", 'y'}, {"timestamp", formats[k], 't'}};
    char *table = make_stream(r, zoned, BARE, false, &size);
    reply found = post(*state, "{\"prediction_length\":5}", table, size);
    if (found.status != 200) fail_msg("%s", found.body);
    assert_null(strstr(found.head, "X-Chronos2-Warnings"));
    read_stamps(&found, format, first);
    assert_string_equal(format, formats[k]);
    assert_int_equal(first[0], r->time[29] + INT64_C(3600000000));
    free(found.body);
    free(table);
    free(r);
  }
}

static void test_unclear_zones(void **state) {
  rows *r = make_rows(1, 26);
  char format[64];
  int64_t first[2];
  size_t size = 0;
  char *table = make_days(r, 26, 9000, "tsu:Europe/Berlin", &size);
  reply found = post(*state, "{\"prediction_length\":5}", table, size);
  assert_non_null(strstr(found.head,
                         "[\"item 'item 0': the clock of Europe/Berlin leaves out or shows twice the time of a step, "
                         "which is 2024-03-31 03:30:00+02:00 here\"]"));
  read_stamps(&found, format, first);
  assert_int_equal(first[0], day_of_berlin(26, 12600));
  serving_assert(&found, 200, NULL);
  free(table);
  table = make_days(r, 26, 0, "tsu:Europe/Nowhere", &size);
  found = post(*state, NULL, table, size);
  serving_assert(&found, 400, "the body: this system has no time zone 'Europe/Nowhere'; TZDIR may name its folder");
  free(table);
  for (size_t i = 0; i < r->count; i++) r->time[i] = day_of_berlin(0, (int64_t)i * 3600);
  const column zoned[BARE] = {{"item_id", "u", 'i'}, {"target", "g", 'y'}, {"timestamp", "tsu:Europe/Nowhere", 't'}};
  table = make_stream(r, zoned, BARE, false, &size); /* hours are the same everywhere */
  found = post(*state, NULL, table, size);
  assert_non_null(strstr(found.head, "read with time stamps with a zone as instants in UTC"));
  serving_assert(&found, 200, NULL);
  free(table);
  table = make_days(r, 26, 0, "tsu:../Berlin", &size);
  found = post(*state, NULL, table, size);
  serving_assert(&found, 400, "the body: expected a time zone such as UTC, +02:00 or Europe/Berlin, found '../Berlin'");
  free(table);
  free(r);
}

/* ---- Refusals ---------------------------------------------------------------------------------- */

/* A request that is refused for what its body holds: JSON, one line, nothing of the forecast. */
static void assert_refused(const serving *s, const char *what, const char *body, size_t size, const char *part) {
  reply r = post(s, NULL, body, size);
  bool is_line = r.body && strncmp(r.body, "{\"error\":{", 10) == 0 && !strchr(r.body, '\n');
  if ((r.status != 400 && r.status != 415) || !is_line || !strstr(r.body, part)) {
    fail_msg("%s: expected a refusal with '%s', found %d: %.300s", what, part, r.status, r.body ? r.body : "");
  }
  free(r.body);
}

#define CORPUS SOURCE_DIR "/tests/fuzz/corpus/arrow/"

static void test_refusals(void **state) {
  rows *r = make_rows(2, 20);
  size_t size = 0;
  char *table = make_stream(r, usual, WITH_COVARIATE, false, &size);
  reply found = post(*state, "{\"horizon\":5}", table, size);
  serving_assert(&found, 400, "unknown key");
  found = post(*state, "[1]", table, size);
  serving_assert(&found, 400, "expected an object");
  found = post(*state, "{\"freq\":\"\xff\"}", table, size);
  serving_assert(&found, 400, "X-Chronos2-Parameters:1:10");
  found = post(*state, "{\"quantile_levels\":[0.5,2]}", table, size);
  serving_assert(&found, 400, "\"param\":\"quantile_levels[1]\"");
  found = post(*state, "{\"freq\":\"D\"}", table, size);
  serving_assert(&found, 400, "the body:2: item 'item 0': 2024-01-01 01:00:00 is no whole number of steps of D");
  assert_refused(*state, "JSON", "{\"inputs\":[{\"target\":[1,2,3]}]}", 31, "expected Arrow's IPC format");
  assert_refused(*state, "nothing", "", 0, "expected a stream of Arrow, found an empty body");
  char *twice = calloc(2, size);
  memcpy(twice, table, size);
  memcpy(twice + size, table, size);
  assert_refused(*state, "two tables", twice, 2 * size, "bytes follow its end");
  free(twice);
  found = post(*state, NULL, table, size);
  serving_assert(&found, 200, NULL);
  free(table);
  r->count = 0;
  table = make_stream(r, usual, WITH_COVARIATE, false, &size);
  assert_refused(*state, "no rows", table, size, "the body: no rows");
  free(table);
  table = read_bytes(CORPUS "lz4", &size);
  found = post(*state, NULL, table, size);
  serving_assert(&found, 415, "compressed by LZ4: expected uncompressed ones");
  free(table);
  free(r);
}

static void test_wrong_types(void **state) {
  static const struct {
    column columns[3];
    const char *part;
  } cases[] = {
      {{{"item_id", "u", 'i'}, {"timestamp", "tsu:", 't'}, {"y", "g", 'y'}}, "'target'"},
      {{{"item_id", "u", 'i'}, {"timestamp", "tsu:", 't'}, {"target", "u", 'i'}}, "'target': expected numbers, found"},
      {{{"item_id", "u", 'i'}, {"timestamp", "tsu:", 't'}, {"target", "tsu:", 't'}}, "'target': expected numbers"},
      {{{"item_id", "g", 'x'}, {"timestamp", "tsu:", 't'}, {"target", "g", 'y'}}, "'item_id': expected "},
      {{{"item_id", "tsu:", 't'}, {"timestamp", "tsu:", 't'}, {"target", "g", 'y'}}, "'item_id': expected "},
      {{{"item_id", "u", 'i'}, {"timestamp", "g", 'y'}, {"target", "g", 'y'}}, "'timestamp': expected time stamps"},
      {{{"item_id", "u", 'i'}, {"timestamp", "u", 'i'}, {"target", "g", 'y'}}, "'timestamp': expected a time stamp"},
      {{{"target", "g", 'y'}, {"timestamp", "tsu:", 't'}, {"target", "g", 'x'}}, "target"},
      {{{"target", "g", 'y'}, {"timestamp", "tsu:", 't'}, {"", "g", 'x'}}, "it has no name"},
      {{{"target", "g", 'y'}, {"timestamp", "tsu:", 't'}, {"a\nb", "g", 'x'}}, "a control character"},
      {{{"target", "g", 'y'}, {"timestamp", "tsu:", 't'}, {"M\xfcnchen", "g", 'x'}}, "UTF-8"},
      {{{"target", "g", 'y'}, {"timestamp", "tsu:", 't'}, {"x", "tsu:", 't'}},
       "'x': expected numbers, booleans or texts"},
  };
  rows *r = make_rows(1, 20);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    size_t size = 0;
    char *table = make_stream(r, cases[i].columns, 3, false, &size);
    assert_refused(*state, cases[i].part, table, size, cases[i].part);
    free(table);
  }
  size_t size = 0;
  r->word[0] = "a\nb";
  char *table = make_stream(r, usual, BARE, false, &size);
  assert_refused(*state, "a line's end in an id", table, size, "a control character in 'a\\\\x0ab'");
  free(table);
  r->word[0] = "M\xfcnchen";
  table = make_stream(r, usual, BARE, false, &size);
  assert_refused(*state, "Latin-1 in an id", table, size, "found bytes that are not UTF-8 in 'M?nchen'");
  free(table);
  r->word[0] = "a";
  r->target[3] = (double)INFINITY;
  table = make_stream(r, usual, BARE, false, &size);
  assert_refused(*state, "infinite", table, size, "the body:4: column 'target': expected a finite number");
  free(table);
  for (size_t i = 0; i < r->count; i++) r->target[i] = (double)(i % 5 + 1) * 1e300;
  table = make_stream(r, usual, BARE, false, &size); /* the answer's columns are float32 */
  assert_refused(*state, "huge", table, size, "is beyond the range of float32");
  free(table);
  for (size_t i = 0; i < r->count; i++) r->target[i] = (double)(i % 5 + 1) * 1e-60;
  table = make_stream(r, usual, BARE, false, &size);
  assert_refused(*state, "tiny", table, size, "is below the range of float32");
  free(table);
  free(r);
}

/* A setting that helps has the name that each side gives it; the server names no option of the program. */
static void test_remedies(void **state) {
  static const struct {
    column columns[3];
    const char *part, *program, *server;
  } cases[] = {
      {{{"target", "g", 'y'}, {"timestamp", "tsu:", 't'}, {"x", "g", 'x'}},
       ":1: item '0': a frequency needs at least three time stamps", "; give --freq\n",
       "; give \\\"freq\\\" in X-Chronos2-Parameters\""},
      {{{"target", "g", 'y'}, {"timestamp", "u", 'i'}, {"x", "g", 'x'}},
       ":1: column 'timestamp': expected a time stamp, found 'item 0'", "; give --time-format\n", "\""}};
  rows *r = make_rows(1, 2);
  for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
    size_t size = 0;
    char *folder = program_make_folder();
    char *in = program_path(folder, "in.arrows");
    char said[400];
    char *table = make_stream(r, cases[i].columns, 3, false, &size);
    program_write_file(in, table, size);
    program_result run = PROGRAM_RUN("forecast", in, "-n", "2");
    (void)snprintf(said, sizeof said, "in.arrows%s%s", cases[i].part, cases[i].program);
    program_assert_error(&run, 1, said);
    reply found = post(*state, NULL, table, size);
    (void)snprintf(said, sizeof said, "the body%s%s", cases[i].part, cases[i].server);
    if (strstr(found.body, "--")) fail_msg("an option in %s", found.body);
    serving_assert(&found, 400, said);
    free(table);
    free(in);
    program_remove_folder(folder);
  }
  free(r);
}

/* Streams of strangers that are cut off anywhere, and whose bytes are others. */
static void test_damage(void **state) {
  static const char *const files[] = {CORPUS "stream", CORPUS "dictionary"};
  size_t apart = small_leaves_out("nine of ten damaged places") ? 10 : 1;
  for (size_t f = 0; f < 2; f++) {
    size_t size = 0;
    char *table = read_bytes(files[f], &size);
    reply whole = post(*state, NULL, table, size);
    serving_assert(&whole, 200, NULL);
    for (size_t cut = 1; cut < size; cut += 29 * apart) assert_refused(*state, "cut off", table, cut, "message");
    size_t refused = 0;
    for (size_t at = 0; at < size; at += 7 * apart) {
      char kept = table[at];
      table[at] = (char)(kept ^ (1 << at % 8));
      reply r = post(*state, NULL, table, size);
      if (r.status != 200 && r.status != 400 && r.status != 413 && r.status != 415) {
        fail_msg("%s, byte %zu: %d %s", files[f], at, r.status, r.body ? r.body : "");
      }
      refused += r.status != 200;
      free(r.body);
      table[at] = kept;
    }
    assert_true(refused > size / 140 / apart);
    free(table);
  }
}

/* Every number of rows, bytes or values that the stream names is far too large, or negative. */
static void test_huge_counts(void **state) {
  static const int64_t huge[] = {INT64_MAX, -1, INT64_C(1) << 31, INT64_C(1) << 40};
  rows *r = make_rows(1, 40);
  size_t size = 0;
  size_t places = 0;
  char *table = make_stream(r, usual, BARE, false, &size);
  for (size_t at = 0; at + 8 <= size; at += 8) {
    int64_t kept = 0;
    memcpy(&kept, table + at, 8);
    if (kept != 40 && kept != 320 && kept != 164) continue; /* rows, bytes of eight each, offsets */
    places++;
    for (size_t k = 0; k < 4; k++) {
      memcpy(table + at, &huge[k], 8);
      assert_refused(*state, "a huge count", table, size, "message");
    }
    memcpy(table + at, &kept, 8);
  }
  assert_true(places >= 7); /* the batch's, three columns', and at least three buffers' */
  free(table);
  free(r);
}

/* A column of nulls takes no bytes, however many rows it has. */
static void test_rows_without_bytes(void **state) {
  static const column nulls[] = {{"target", "n", 'y'}};
  static const int64_t many[] = {40, INT64_C(1) << 22};
  rows *r = make_rows(1, 40);
  size_t size = 0;
  for (size_t i = 0; i < 40; i++) r->target[i] = (double)NAN;
  for (size_t k = 0; k < 2; k++) {
    char *table = make_stream(r, nulls, 1, false, &size);
    for (size_t at = 0; at + 8 <= size; at += 8) {
      int64_t count = 0;
      memcpy(&count, table + at, 8);
      if (count == 40) memcpy(table + at, &many[k], 8);
    }
    if (k == 0) {
      reply found = post(*state, NULL, table, size);
      serving_assert(&found, 200, NULL);
    } else {
      reply found = post(*state, NULL, table, size);
      serving_assert(&found, 413, "expected at most 8388608 values (rows times columns, and two for each row)");
    }
    free(table);
  }
  free(r);
}

/* Steps that are filled in take memory, too: beyond what the largest body may hold they are refused. */
static void test_gap(void **state) {
  static const char *const arguments[] = {"--max-body", "1", NULL};
  serving s = serving_start(arguments);
  rows *r = make_rows(1, 40);
  size_t size = 0;
  (void)state;
  for (size_t more = 0; more < 2; more++) {
    enum { MOST = (1 << 20) / 3 - 40 };
    r->time[39] = r->time[38] + (int64_t)(1 + MOST + more) * INT64_C(3600000000);
    char *table = make_stream(r, usual + 1, 2, false, &size);
    reply found = post(&s, "{\"freq\":\"h\"}", table, size);
    serving_assert(&found, more ? 413 : 200,
                   more ? "the body:1: item '0': with it 349486 steps are filled in; expected at most 1048576 values"
                        : NULL);
    free(table);
  }
  free(r);
  assert_int_equal(serving_stop(&s), 0);
}

/* ---- Limits ------------------------------------------------------------------------------------ */

/* More series than a request may have, paths that take no Arrow, and parameters beside JSON. */
static void test_limits(void **state) {
  static const char *const arguments[] = {"--max-series", "1", NULL};
  rows *r = make_rows(2, 20);
  size_t size = 0;
  char *table = make_stream(r, usual, WITH_COVARIATE, false, &size);
  serving s = serving_start(arguments);
  reply found = post(&s, NULL, table, size);
  serving_assert(&found, 400, "the body:21: column 'item_id': expected at most 1 series, found one more, 'item 1'");
  assert_int_equal(serving_stop(&s), 0);
  static const char *const broad[] = {"--max-series", "2", NULL};
  column columns[MOST_COLUMNS] = {usual[0], usual[1], usual[2]};
  char names[MOST_COLUMNS][8];
  s = serving_start(broad);
  for (size_t k = 3; k < MOST_COLUMNS; k++) {
    (void)snprintf(names[k], sizeof names[0], "x%zu", k);
    columns[k] = (column){names[k], "g", 'x'};
  }
  for (size_t k = MOST_COLUMNS - 1; k <= MOST_COLUMNS; k++) { /* two items of ten may be */
    bool more = k == MOST_COLUMNS;
    char *wide = make_stream(r, columns, k, false, &size);
    found = post(&s, NULL, wide, size);
    serving_assert(&found, more ? 400 : 200,
                   more ? "the body: expected at most 20 targets and covariates in all, found 22" : NULL);
    free(wide);
  }
  assert_int_equal(serving_stop(&s), 0);
  found = serving_request(*state, "POST", "/invocations", "X-Chronos2-Parameters: {}\r\n", ONE "}]}");
  serving_assert(&found, 400, "X-Chronos2-Parameters is of Arrow bodies");
  found = serving_request(*state, "POST", "/v1/timeseries/forecast",
                          "Content-Type: " TYPE "\r\nContent-Length: 0\r\n", NULL);
  serving_assert(&found, 415, "\"expected Content-Type: application/json\"");
  found = serving_request(*state, "POST", "/v1/contexts", "Content-Type: " TYPE "\r\nContent-Length: 0\r\n", NULL);
  serving_assert(&found, 415, "expected Content-Type: application/json");
  free(table);
  free(r);
}

/* A series of a table is named by its item. */
static void test_not_finite(void **state) {
  rows *r = make_rows(2, 3);
  size_t size = 0;
  for (size_t t = 0; t < 3; t++) r->target[3 + t] = t == 1 ? -1.7e308 : 1.7e308;
  char *table = make_stream(r, usual, BARE, false, &size);
  reply found = post(*state, NULL, table, size);
  serving_assert(&found, 400, "\"param\":\"\",\"message\":\"item 'item 1': the forecast is not finite");
  free(table);
  free(r);
}

/* An id stands in every row of the answer: it is counted before anything is forecast. */
static void test_memory(void **state) {
  static const char *const arguments[] = {"--max-memory", "16", NULL};
  enum { LONG = 10000 };
  serving s = serving_start(arguments);
  rows *r = make_rows(4, 20);
  char *id = calloc(1, LONG + 1);
  size_t size = 0;
  (void)state;
  memset(id, 'x', LONG);
  char *table = make_stream(r, usual, BARE, false, &size);
  reply found = post(&s, "{\"prediction_length\":256}", table, size);
  serving_assert(&found, 200, NULL);
  free(table);
  r->word[2] = id;
  table = make_stream(r, usual, BARE, false, &size);
  found = post(&s, "{\"prediction_length\":256}", table, size);
  serving_assert(&found, 413, "series and results would take");
  found = post(&s, "{\"prediction_length\":1}", table, size);
  serving_assert(&found, 200, NULL);
  free(table);
  free(id);
  free(r);
  assert_int_equal(serving_stop(&s), 0);
}

static void test_without(void **state) {
  const char *how = NULL;
  (void)c2_ipc_available(&how);
  reply r = post(*state, NULL, "x", 1);
  serving_assert(&r, 415, how);
}

int main(void) {
  const struct CMUnitTest with[] = {
      cmocka_unit_test(test_same_bytes),  cmocka_unit_test(test_batches),       cmocka_unit_test(test_warnings),
      cmocka_unit_test(test_zones),
      cmocka_unit_test(test_unclear_zones),
      cmocka_unit_test(test_long_warnings), cmocka_unit_test(test_refusals),    cmocka_unit_test(test_wrong_types),
      cmocka_unit_test(test_remedies),      cmocka_unit_test(test_damage),
      cmocka_unit_test(test_huge_counts),   cmocka_unit_test(test_limits),
      cmocka_unit_test(test_not_finite),
      cmocka_unit_test(test_memory),      cmocka_unit_test(test_rows_without_bytes),
      cmocka_unit_test(test_gap)};
  const struct CMUnitTest without[] = {cmocka_unit_test(test_without)};
  const char *how = NULL;
  return c2_ipc_available(&how) ? cmocka_run_group_tests(with, serving_start_shared, serving_stop_shared)
                                : cmocka_run_group_tests(without, serving_start_shared, serving_stop_shared);
}

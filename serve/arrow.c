/* Arrow bodies: tables in long format, read and written as the program does. */
#include "serve/arrow.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "data/ipc.h"
#include "data/read.h"
#include "serve/log.h"
#include "serve/protocol.h"

/* ---- Reading ----------------------------------------------------------------------------------- */

static c2_status read_parameters(c2_call *call, char *text, const c2_call_limits *limits, c2_freq *freq, bool *has_freq,
                                 char where[C2_JSON_WHERE_ROOM], c2_error *err) {
  char none[] = "{}";
  c2_json_document doc = {
      .path = "X-Chronos2-Parameters", .failure = C2_ERR_FORMAT, .allow_nan = true, .where = where};
  if (!text) text = none;
  c2_status status = c2_json_parse(&doc, text, strlen(text), err);
  if (status == C2_OK) status = c2_sagemaker_read_parameters(call, &doc, doc.node, limits, freq, has_freq, err);
  c2_json_free(&doc);
  return status;
}

/* That no series is too broad, and that their forecasts have time stamps. */
static c2_status check_items(const c2_call *call, c2_error *err) {
  const c2_dataset *set = &call->set;
  for (size_t i = 0; i < set->count; i++) {
    const c2_item *item = &set->item[i];
    c2_time last;
    c2_error why;
    if (item->covariates + item->targets > C2_CALL_ROWS) {
      C2_FAIL(err, C2_ERR_FORMAT, "the body: expected at most %d targets and covariates together", C2_CALL_ROWS);
    }
    if (c2_freq_add(&item->freq, item->start, (int64_t)(item->length + call->pass.horizon), &last, &why) != C2_OK) {
      C2_FAIL(err, C2_ERR_FORMAT, "the body: item '%.60s': the forecast would end too late: %s", item->id, why.text);
    }
  }
  return C2_OK;
}

/* Says of a setting that helps how a client gives it, if it can. */
static c2_status say_remedy(c2_status status, c2_error *err) {
  const c2_error why = *err;
  if (!why.remedy || strcmp(why.remedy, "freq") != 0) return status;
  return c2_fail(err, status, "%s; give \"freq\" in X-Chronos2-Parameters", why.text);
}

static c2_status read_table(c2_call *call, char *bytes, size_t size, const c2_freq *freq, const c2_call_limits *limits,
                            c2_error *err) {
  const c2_read_options options = {.freq = freq, .all_covariates = true};
  const c2_bounds bounds = {.values = limits->values,
                            .items = limits->series,
                            .series = C2_CALL_MEAN * limits->series};
  c2_input input;
  c2_status status = c2_input_start_arrow(&input, "the body", bytes, size, &bounds, err);
  if (status == C2_OK) status = c2_input_read(&input, &call->set, &options, err);
  c2_input_close(&input);
  return status == C2_OK ? status : say_remedy(status, err);
}

/* Notes what the program tells in its summary. */
static c2_status note_rows(c2_call *call, c2_error *err) {
  c2_dataset *set = &call->set;
  for (size_t i = 0; i < set->found.count; i++) {
    C2_TRY(c2_dataset_note(set, err, "the body: read with %s", set->found.text[i]));
  }
  char unclear[C2_CAVEAT_ROOM] = "";
  for (size_t i = 0; i < set->count && !unclear[0]; i++) {
    C2_TRY(c2_item_unclear(&set->item[i], call->pass.horizon, unclear, err));
  }
  if (unclear[0]) C2_TRY(c2_dataset_note(set, err, "%s", unclear));
  if (set->filled > 0 && set->filled <= set->rows) { /* of more the reader has a note */
    C2_TRY(c2_dataset_note(set, err, "the body: %zu step%s no row and %s filled in as missing", set->filled,
                           set->filled == 1 ? " has" : "s have", set->filled == 1 ? "is" : "are"));
  }
  return C2_OK;
}

static c2_status read_body(c2_call *call, char *bytes, size_t size, char *parameters, const c2_call_limits *limits,
                           const chronos2_config *config, char where[C2_JSON_WHERE_ROOM], c2_error *err) {
  c2_freq freq;
  bool has_freq = false;
  C2_TRY(read_parameters(call, parameters, limits, &freq, &has_freq, where, err));
  C2_TRY(read_table(call, bytes, size, has_freq ? &freq : NULL, limits, err));
  C2_TRY(check_items(call, err));
  C2_TRY(c2_call_complete(call, NULL, NULL, limits, config, err));
  return note_rows(call, err);
}

bool c2_arrow_read(char *bytes, size_t size, char *parameters, const c2_call_limits *limits,
                   const chronos2_config *config, c2_call *call, c2_answer *answer) {
  char where[C2_JSON_WHERE_ROOM] = "";
  c2_error err;
  c2_status status = read_body(call, bytes, size, parameters, limits, config, where, &err);
  if (status != C2_OK && err.remedy && strcmp(err.remedy, C2_BOUNDS) == 0) {
    c2_answer_refuse(answer, C2_HTTP_TOO_LARGE, where, "%s", err.text);
  } else if (status == C2_ERR_UNSUPPORTED) {
    c2_answer_refuse(answer, C2_HTTP_MEDIA_TYPE, where, "%s", err.text);
  } else if (status != C2_OK) {
    c2_answer_refuse_error(answer, where, &err);
  }
  return status == C2_OK;
}

/* ---- Writing ----------------------------------------------------------------------------------- */

enum { ID, STAMP, TARGET, POINT, FIXED, COLUMNS = FIXED + C2_CALL_LEVELS, BATCH_ROWS = 1 << 16 };

/* Rows of the answer: a record batch. */
typedef struct table {
  size_t rows, room, levels;
  size_t series, at;           /* the next row is this one of this series */
  uint32_t *code;              /* [room] 0, 1, ... */
  const char **word;           /* [room] of ids, then of stamps as text, then of targets */
  int64_t *time;               /* [room] */
  char (*stamp)[C2_TIME_ROOM]; /* [room] */
  double *value;               /* [1 + levels][room] */
} table;

static size_t count_rows(const c2_call *call) {
  size_t rows = 0;
  for (size_t i = 0; i < call->count; i++) c2_sum_up(&rows, call->series[i].targets, call->pass.horizon);
  return rows;
}

size_t c2_arrow_bytes(const c2_call *call) {
  size_t rows = count_rows(call);
  size_t numbers = 1 + call->level_count;
  size_t texts = c2_dataset_stamps(&call->set) == C2_STAMPS_TEXT ? C2_TIME_ROOM : 0;
  size_t fixed = 3 * sizeof(int32_t) + sizeof(int64_t) + texts + numbers * sizeof(float);
  size_t in_table = sizeof(uint32_t) + 3 * sizeof(char *) + sizeof(int64_t) + C2_TIME_ROOM + numbers * sizeof(double);
  size_t widest = 0;
  size_t stream = 256 * (FIXED + call->level_count); /* the schema, and a message's header */
  for (size_t i = 0; i < call->count; i++) {
    const c2_item *item = &call->set.item[i];
    size_t names = 0;
    for (size_t t = 0; t < item->targets; t++) names = c2_max_size(names, strlen(item->target_names[t]));
    size_t row = fixed + strlen(item->id) + names;
    widest = c2_max_size(widest, row);
    c2_sum_up(&stream, item->targets * call->pass.horizon, row);
  }
  /* The stream's text doubles by being copied; so do the arrays of a batch, of which the message is one more. */
  size_t batch = c2_min_size(rows, BATCH_ROWS);
  size_t bytes = 0;
  c2_sum_up(&bytes, 3, stream);
  c2_sum_up(&bytes, batch, 4 * widest + in_table);
  return bytes;
}

static c2_status make_table(table *t, const c2_call *call, c2_error *err) {
  t->room = c2_min_size(count_rows(call), BATCH_ROWS);
  t->levels = call->level_count;
  C2_TRY(c2_alloc_array(t->room, sizeof *t->code, &t->code, err));
  C2_TRY(c2_alloc_array(3 * t->room, sizeof *t->word, &t->word, err));
  C2_TRY(c2_alloc_array(t->room, sizeof *t->time, &t->time, err));
  C2_TRY(c2_alloc_array(t->room, sizeof *t->stamp, &t->stamp, err));
  for (size_t i = 0; i < t->room; i++) t->code[i] = (uint32_t)i;
  return c2_alloc_array((1 + t->levels) * t->room, sizeof *t->value, &t->value, err);
}

static void free_table(table *t) {
  free(t->code);
  free(t->word);
  free(t->time);
  free(t->stamp);
  free(t->value);
}

static c2_status put_row(table *t, const c2_call *call, c2_error *err) {
  const c2_item *item = &call->set.item[t->series];
  size_t horizon = call->pass.horizon;
  size_t target = t->at / horizon;
  size_t s = t->at % horizon;
  size_t row = t->rows++;
  const double *values = c2_call_values(call, t->series, target);
  C2_TRY(c2_freq_add(&item->freq, item->start, (int64_t)(item->length + s), &t->time[row], err));
  c2_item_stamp(item, t->time[row], t->stamp[row]);
  if (item->wall) t->time[row] = c2_item_utc(item, t->time[row]);
  t->word[row] = item->id;
  t->word[t->room + row] = t->stamp[row];
  t->word[2 * t->room + row] = item->target_names[target];
  t->value[row] = values[s];
  for (size_t q = 0; q < t->levels; q++) t->value[(1 + q) * t->room + row] = values[horizon + s * t->levels + q];
  for (size_t k = 0; k <= t->levels; k++) { /* the columns are float32 */
    double value = t->value[k * t->room + row];
    const char *loss = c2_float32_loss(value);
    if (!loss) continue;
    C2_FAIL(err, C2_ERR_FORMAT, "item '%.60s': its forecast, %g, is %s the range of float32", item->id, value, loss);
  }
  return C2_OK;
}

/* The next rows; none at the end. */
static c2_status fill_table(table *t, const c2_call *call, c2_error *err) {
  t->rows = 0;
  for (; t->series < call->count; t->series++, t->at = 0) {
    size_t rows = call->series[t->series].targets * call->pass.horizon;
    for (; t->at < rows; t->at++) {
      if (t->rows == t->room) return C2_OK;
      C2_TRY(put_row(t, call, err));
    }
  }
  return C2_OK;
}

static c2_status write_batches(table *t, const c2_call *call, c2_frame *frame, c2_ipc_writer *writer, c2_error *err) {
  for (;;) {
    C2_TRY(fill_table(t, call, err));
    frame->rows = t->rows;
    if (t->rows == 0) return c2_ipc_writer_finish(writer, err);
    C2_TRY(c2_ipc_writer_put(writer, frame, err));
  }
}

static c2_status write_table(table *t, const c2_call *call, FILE *out, c2_error *err) {
  static const char *const fixed[FIXED] = {"item_id", "timestamp", "target_name", "predictions"};
  char level[C2_CALL_LEVELS][C2_FLOAT_ROOM];
  const char *name[COLUMNS];
  const char *format[COLUMNS];
  c2_column column[COLUMNS];
  c2_frame frame = {.column = column, .columns = FIXED + t->levels};
  c2_ipc_writer *writer = NULL;
  static const char *const formats[] = {[C2_STAMPS_TEXT] = "u", [C2_STAMPS_TIME] = "tsu:", [C2_STAMPS_COUNT] = "l"};
  const char *zone = c2_dataset_zone(&call->set);
  char zoned[C2_ZONED_ROOM];
  c2_ipc_zoned(zone, zoned);
  const char *stamps = zone ? zoned : formats[c2_dataset_stamps(&call->set)];
  const char *ids = c2_dataset_has_whole_ids(&call->set) ? "l" : "u";
  for (size_t k = 0; k < frame.columns; k++) {
    if (k >= FIXED) c2_double_text(level[k - FIXED], call->levels[k - FIXED], C2_PROTOCOL_DIGITS);
    name[k] = k < FIXED ? fixed[k] : level[k - FIXED];
    format[k] = k >= POINT ? "f" : k == STAMP ? stamps : k == ID ? ids : "u";
    if (k >= POINT) {
      column[k] = (c2_column){.type = C2_COLUMN_NUMBER, .number = t->value + (k - POINT) * t->room};
    } else if (k == STAMP && stamps[0] != 'u') {
      column[k] = (c2_column){.type = C2_COLUMN_TIME, .time = t->time};
    } else {
      column[k] = (c2_column){.type = C2_COLUMN_TEXT, .code = t->code, .word = t->word + k * t->room, .words = t->room};
    }
  }
  c2_status status = c2_ipc_writer_open(&writer, name, format, frame.columns, false, out, err);
  if (status == C2_OK) status = write_batches(t, call, &frame, writer, err);
  c2_ipc_writer_close(&writer);
  return status;
}

static c2_status write_stream(const c2_call *call, char **bytes, size_t *size, c2_error *err) {
  table t = {.rows = 0};
  c2_status status = make_table(&t, call, err);
  FILE *out = status == C2_OK ? open_memstream(bytes, size) : NULL;
  if (status == C2_OK) {
    status = out ? write_table(&t, call, out, err) : c2_fail(err, C2_ERR_MEMORY, "out of memory for an answer");
  }
  if (out && !c2_text_close(out, bytes) && status == C2_OK) {
    status = c2_fail(err, C2_ERR_MEMORY, "out of memory for an answer");
  }
  free_table(&t);
  return status;
}

/* The notes as a JSON array that a header holds: ASCII, and short, since proxies allow some kilobytes for all headers.
 * Those that it leaves out are logged, whatever else is. */
static c2_status write_warnings(const c2_call *call, const char *id, char **text, c2_error *err) {
  enum { SHORT = 1000 };
  size_t size = 0;
  size_t count = call->set.notes;
  size_t i = 0;
  if (count == 0) return C2_OK;
  c2_json_writer json = {.out = open_memstream(text, &size), .compact = true, .html = true};
  if (!json.out) C2_FAIL(err, C2_ERR_MEMORY, "out of memory for an answer");
  c2_json_begin_array(&json, NULL);
  for (; i < count && json.size < SHORT; i++) c2_json_put_text(&json, NULL, call->set.note[i]);
  if (i < count) {
    char more[64];
    (void)snprintf(more, sizeof more, "%zu more are in the server's log", count - i);
    c2_json_put_text(&json, NULL, more);
  }
  c2_json_end_array(&json);
  for (; i < count; i++) {
    C2_LOG("warning", "table", C2_LOG_TEXT("id", id), C2_LOG_TEXT("note", call->set.note[i]));
  }
  c2_status status = c2_json_finish(&json, "the answer", err);
  if (c2_text_close(json.out, text) || status != C2_OK) return status;
  C2_FAIL(err, C2_ERR_MEMORY, "out of memory for an answer");
}

void c2_arrow_write(const c2_call *call, const char *id, c2_answer *answer) {
  char *bytes = NULL;
  char *warnings = NULL;
  size_t size = 0;
  c2_error err;
  c2_status status = write_stream(call, &bytes, &size, &err);
  if (status == C2_OK) status = write_warnings(call, id, &warnings, &err);
  if (status == C2_OK) {
    *answer = (c2_answer){
        .status = C2_HTTP_OK, .type = C2_ARROW_TYPE, .body = bytes, .size = size, .warnings = warnings};
  } else {
    free(bytes);
    free(warnings);
    c2_answer_refuse_error(answer, NULL, &err);
  }
}

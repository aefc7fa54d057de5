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

static c2_status read_parameters(c2_call *call, char *text, const c2_limits *limits, c2_freq *freq, bool *has_freq,
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

/* That the series are within the limits, and that their forecasts have time stamps. */
static c2_status check_items(const c2_call *call, const c2_limits *limits, c2_error *err) {
  const c2_dataset *set = &call->set;
  if (set->count > limits->series) {
    C2_FAIL(err, C2_ERR_FORMAT, "the body: expected at most %zu series, found %zu", limits->series, set->count);
  }
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

static c2_status read_table(c2_call *call, char *bytes, size_t size, const c2_freq *freq, c2_error *err) {
  const c2_read_options options = {.freq = freq, .all_covariates = true};
  c2_input input;
  c2_status status = c2_input_start_arrow(&input, "the body", bytes, size, err);
  if (status == C2_OK) status = c2_input_read(&input, &call->set, &options, err);
  c2_input_close(&input);
  return status;
}

bool c2_arrow_read(char *bytes, size_t size, char *parameters, const c2_limits *limits, const chronos2_config *config,
                   c2_call *call, c2_answer *answer) {
  char where[C2_JSON_WHERE_ROOM] = "";
  c2_freq freq;
  bool has_freq = false;
  c2_error err;
  c2_status status = read_parameters(call, parameters, limits, &freq, &has_freq, where, &err);
  if (status == C2_OK) status = read_table(call, bytes, size, has_freq ? &freq : NULL, &err);
  if (status == C2_OK) status = check_items(call, limits, &err);
  if (status == C2_OK) status = c2_call_complete(call, NULL, NULL, limits, config, &err);
  for (size_t i = 0; status == C2_OK && i < call->set.notes; i++) {
    C2_LOG("warning", "table", C2_LOG_TEXT("note", call->set.note[i]));
  }
  if (status == C2_ERR_UNSUPPORTED) {
    c2_answer_refuse(answer, C2_HTTP_MEDIA_TYPE, where, "%s", err.text);
  } else if (status != C2_OK) {
    c2_answer_refuse_error(answer, where, &err);
  }
  return status == C2_OK;
}

/* ---- Writing ----------------------------------------------------------------------------------- */

enum { ID, STAMP, TARGET, POINT, FIXED, COLUMNS = FIXED + C2_CALL_LEVELS };

/* The answer's rows. */
typedef struct table {
  size_t rows, levels;
  uint32_t *code[3]; /* [rows] of ids, of stamps as text, of targets */
  const char **word; /* [rows] of ids, then of stamps, then of targets */
  int64_t *time;     /* [rows] */
  char (*stamp)[C2_TIME_ROOM]; /* [rows] */
  double *value;               /* [1 + levels][rows] */
} table;

/* Time stamps, whole numbers, or texts where there are both or there is a zone. */
static const char *stamp_format(const c2_dataset *set) {
  size_t counted = 0;
  size_t zoned = 0;
  for (size_t i = 0; i < set->count; i++) {
    counted += set->item[i].freq.unit == C2_FREQ_COUNT;
    zoned += set->item[i].zone.given;
  }
  return counted == set->count ? "l" : counted + zoned == 0 ? "tsu:" : "u";
}

static c2_status make_table(table *t, const c2_call *call, c2_error *err) {
  for (size_t i = 0; i < call->count; i++) t->rows += call->series[i].targets * call->pass.horizon;
  t->levels = call->level_count;
  for (size_t k = 0; k < 3; k++) C2_TRY(c2_alloc_array(t->rows, sizeof **t->code, &t->code[k], err));
  C2_TRY(c2_alloc_array(3 * t->rows, sizeof *t->word, &t->word, err));
  C2_TRY(c2_alloc_array(t->rows, sizeof *t->time, &t->time, err));
  C2_TRY(c2_alloc_array(t->rows, sizeof *t->stamp, &t->stamp, err));
  return c2_alloc_array((1 + t->levels) * t->rows, sizeof *t->value, &t->value, err);
}

static void free_table(table *t) {
  for (size_t k = 0; k < 3; k++) free(t->code[k]);
  free(t->word);
  free(t->time);
  free(t->stamp);
  free(t->value);
}

static c2_status fill_table(table *t, const c2_call *call, c2_error *err) {
  size_t horizon = call->pass.horizon;
  size_t row = 0;
  for (size_t i = 0; i < call->count; i++) {
    const c2_item *item = &call->set.item[i];
    for (size_t k = 0; k < item->targets * horizon; k++, row++) {
      size_t target = k / horizon;
      size_t s = k % horizon;
      const double *values = c2_call_values(call, i, target);
      C2_TRY(c2_freq_add(&item->freq, item->start, (int64_t)(item->length + s), &t->time[row], err));
      c2_item_stamp(item, t->time[row], t->stamp[row]);
      for (size_t c = 0; c < 3; c++) t->code[c][row] = (uint32_t)row;
      t->word[row] = item->id;
      t->word[t->rows + row] = t->stamp[row];
      t->word[2 * t->rows + row] = item->target_names[target];
      t->value[row] = values[s];
      for (size_t q = 0; q < t->levels; q++) {
        t->value[(1 + q) * t->rows + row] = values[horizon + s * t->levels + q];
      }
    }
  }
  return C2_OK;
}

static c2_status write_table(const table *t, const c2_call *call, FILE *out, c2_error *err) {
  static const char *const fixed[FIXED] = {"item_id", "timestamp", "target_name", "predictions"};
  char level[C2_CALL_LEVELS][32];
  const char *name[COLUMNS];
  const char *format[COLUMNS];
  c2_column column[COLUMNS];
  c2_frame frame = {.column = column, .columns = FIXED + t->levels, .rows = t->rows};
  c2_ipc_writer *writer = NULL;
  const char *stamps = stamp_format(&call->set);
  for (size_t k = 0; k < frame.columns; k++) {
    if (k >= FIXED) c2_protocol_level(call->levels[k - FIXED], level[k - FIXED]);
    name[k] = k < FIXED ? fixed[k] : level[k - FIXED];
    format[k] = k >= POINT ? "f" : k == STAMP ? stamps : "u";
    if (k >= POINT) {
      column[k] = (c2_column){.type = C2_COLUMN_NUMBER, .number = t->value + (k - POINT) * t->rows};
    } else if (k == STAMP && stamps[0] != 'u') {
      column[k] = (c2_column){.type = C2_COLUMN_TIME, .time = t->time};
    } else {
      column[k] =
          (c2_column){.type = C2_COLUMN_TEXT, .code = t->code[k], .word = t->word + k * t->rows, .words = t->rows};
    }
  }
  c2_status status = c2_ipc_writer_open(&writer, name, format, frame.columns, false, out, err);
  if (status == C2_OK) status = c2_ipc_writer_put(writer, &frame, err);
  if (status == C2_OK) status = c2_ipc_writer_finish(writer, err);
  c2_ipc_writer_close(&writer);
  return status;
}

void c2_arrow_write(const c2_call *call, c2_answer *answer) {
  table t = {.rows = 0};
  char *bytes = NULL;
  size_t size = 0;
  c2_error err;
  c2_status status = make_table(&t, call, &err);
  if (status == C2_OK) status = fill_table(&t, call, &err);
  FILE *out = status == C2_OK ? open_memstream(&bytes, &size) : NULL;
  if (status == C2_OK) {
    status = out ? write_table(&t, call, out, &err) : c2_fail(&err, C2_ERR_MEMORY, "out of memory for an answer");
  }
  if (out && !c2_text_close(out, &bytes) && status == C2_OK) {
    status = c2_fail(&err, C2_ERR_MEMORY, "out of memory for an answer");
  }
  free_table(&t);
  if (status == C2_OK) {
    *answer = (c2_answer){.status = C2_HTTP_OK, .type = C2_ARROW_TYPE, .body = bytes, .size = size};
  } else {
    free(bytes);
    c2_answer_refuse_error(answer, NULL, &err);
  }
}

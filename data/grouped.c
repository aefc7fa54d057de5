/* Tables item by item: rows become records of one size, which are sorted by item. Knows no format. */
#include "data/grouped.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

/* Rows that are read at once, and the code of a missing text. */
enum { PART_ROWS = 1 << 16 };
#define MISSING UINT64_MAX

/* A row: its line, and for each column but the ids 8 bytes, of times 10. */
static size_t width_of(const c2_want *want) {
  return want->type == C2_WANT_NAME ? 0 : want->type == C2_WANT_TIME ? 8 + 2 : 8;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static c2_status find_id(c2_grouped *g, const char *id, size_t *at, c2_error *err) {
  if (!g->known) return c2_lookup_keep(&g->words[0].words, &g->words[0].pool, id, at, err);
  if (c2_lookup_find(g->known, id, at)) return C2_OK;
  g->is_refused = true;
  C2_FAIL(err, C2_ERR_FORMAT, "%s: expected one of the items that are forecast, found '%.80s'", g->path, id);
}

/* The codes of a frame's texts among those of the table: [words]. */
static c2_status find_codes(c2_grouped *g, const c2_frame *frame, size_t k, size_t **code, c2_error *err) {
  const c2_column *from = &frame->column[k];
  if (from->type != C2_COLUMN_TEXT) return C2_OK;
  C2_TRY(c2_alloc_array(from->words, sizeof **code, code, err));
  for (size_t i = 0; i < from->words; i++) {
    C2_TRY(k == 0 ? find_id(g, from->word[i], &(*code)[i], err)
                  : c2_lookup_keep(&g->words[k].words, &g->words[k].pool, from->word[i], &(*code)[i], err));
  }
  return C2_OK;
}

static unsigned char *put_cell(const c2_want *want, const c2_column *from, const size_t *code, size_t row,
                               unsigned char *to) {
  if (want->type == C2_WANT_TIME) {
    int16_t zone = c2_column_zone(from, row);
    memcpy(to, &from->time[row], 8);
    memcpy(to + 8, &zone, 2);
  } else if (from->type == C2_COLUMN_TEXT) {
    uint64_t text = c2_column_has(from, row) ? code[from->code[row]] : MISSING;
    memcpy(to, &text, 8);
  } else {
    double number = c2_column_number(from, row);
    memcpy(to, &number, 8);
  }
  return to + width_of(want);
}

static c2_status put_rows(c2_grouped *g, const c2_frame *frame, size_t *const *code, c2_error *err) {
  unsigned char *row = NULL;
  c2_status status = C2_OK;
  C2_TRY(c2_alloc_array(g->spill.width, 1, &row, err));
  for (size_t i = 0; i < frame->rows && status == C2_OK; i++) {
    uint64_t line = frame->line ? frame->line[i] : g->rows + i + 1;
    unsigned char *to = row + sizeof line;
    memcpy(row, &line, sizeof line);
    for (size_t k = 1; k < g->wants; k++) to = put_cell(&g->want[k], &frame->column[k], code[k], i, to);
    status = c2_spill_add(&g->spill, (uint32_t)code[0][frame->column[0].code[i]], row, err);
  }
  g->rows += frame->rows;
  free(row);
  return status;
}

static c2_status put_frame(c2_grouped *g, const c2_frame *frame, c2_error *err) {
  size_t **code = NULL;
  c2_status status = C2_OK;
  C2_TRY(c2_alloc_array(g->wants, sizeof *code, &code, err));
  for (size_t k = 0; k < g->wants; k++) C2_GOTO(find_codes(g, frame, k, &code[k], err));
  if (g->words[0].words.count > UINT32_MAX) C2_GOTO(c2_fail(err, C2_ERR_MEMORY, "%s: too many items", g->path));
  status = put_rows(g, frame, code, err);
fail:
  for (size_t k = 0; k < g->wants; k++) free(code[k]);
  free(code);
  return status;
}

/* A column of covariates holds texts if any part of it does. *again: what was read as numbers holds texts. */
static void settle_types(c2_grouped *g, const c2_frame *frame, bool *again) {
  for (size_t k = 0; k < g->wants; k++) {
    if (g->want[k].type != C2_WANT_ANY || frame->column[k].type != C2_COLUMN_TEXT) continue;
    g->want[k].type = C2_WANT_MIXED;
    *again = *again || g->rows > 0;
  }
}

static void drop_rows(c2_grouped *g) {
  for (size_t k = 0; g->words && k < g->wants; k++) {
    c2_lookup_free(&g->words[k].words);
    c2_pool_free(&g->words[k].pool);
  }
  c2_spill_close(&g->spill);
  g->rows = 0;
}

static c2_status read_rows(c2_grouped *g, bool *again, c2_error *err) {
  g->spill.width = sizeof(uint64_t);
  for (size_t k = 0; k < g->wants; k++) g->spill.width += width_of(&g->want[k]);
  for (*again = false; !*again;) {
    c2_frame frame = {.columns = 0};
    C2_TRY(g->input.reader->next(&g->input, g->want, g->wants, PART_ROWS, &frame, err));
    bool has_ended = frame.rows == 0;
    if (!has_ended) settle_types(g, &frame, again);
    c2_status status = has_ended || *again ? C2_OK : put_frame(g, &frame, err);
    c2_frame_free(&frame);
    C2_TRY(status);
    if (has_ended) return c2_spill_sort(&g->spill, err);
  }
  return C2_OK;
}

c2_status c2_grouped_open(c2_grouped *g, c2_error *err) {
  g->is_open = true;
  C2_TRY(c2_input_open_parts(&g->input, g->path, g->options->dialect, err));
  g->input.expected = g->expected;
  if (g->input.reader->next) return C2_OK;
  C2_FAIL(err, C2_ERR_UNSUPPORTED, "%s: %s is not read in parts", g->path, g->input.reader->name);
}

static c2_status read_table(c2_grouped *g, const c2_want *want, size_t wants, c2_error *err) {
  bool again = true;
  C2_TRY(c2_alloc_array(wants, sizeof *g->want, &g->want, err));
  C2_TRY(c2_alloc_array(wants, sizeof *g->words, &g->words, err));
  memcpy(g->want, want, wants * sizeof *want);
  g->wants = wants;
  while (again) {
    C2_TRY(read_rows(g, &again, err));
    if (!again) break;
    drop_rows(g);
    c2_input_close(&g->input);
    C2_TRY(c2_grouped_open(g, err));
  }
  g->is_read = true;
  return C2_OK;
}

/* ---- Taking ---------------------------------------------------------------------------------- */

/* Arrays of a column of the frame; the frame owns them. */
typedef struct cells {
  double *number;
  uint32_t *code;
  unsigned char *valid;
  int64_t *time;
  int16_t *zone;
} cells;

static c2_status open_column(const c2_grouped *g, size_t k, size_t rows, c2_column *out, cells *c, c2_error *err) {
  const c2_want *want = &g->want[k];
  *out = (c2_column){.name = g->input.header->names.text[want->column]};
  if (want->type == C2_WANT_TIME) {
    C2_TRY(c2_alloc_array(rows, sizeof *c->zone, &c->zone, err));
    out->zone = c->zone;
    C2_TRY(c2_alloc_array(rows, sizeof *c->time, &c->time, err));
    out->type = C2_COLUMN_TIME;
    out->time = c->time;
    return C2_OK;
  }
  if (want->type == C2_WANT_NUMBER || want->type == C2_WANT_ANY) {
    C2_TRY(c2_alloc_array(rows, sizeof *c->number, &c->number, err));
    out->type = C2_COLUMN_NUMBER;
    out->number = c->number;
    return C2_OK;
  }
  out->type = C2_COLUMN_TEXT;
  C2_TRY(c2_alloc_array(rows / 8 + 1, 1, &c->valid, err));
  out->valid = c->valid;
  C2_TRY(c2_alloc_array(rows, sizeof *c->code, &c->code, err));
  out->code = c->code;
  const c2_lookup *words = &g->words[k].words;
  const char **word = NULL; /* ids get theirs as they come */
  C2_TRY(c2_alloc_array(k == 0 ? rows : words->count, sizeof *word, &word, err));
  out->word = word;
  if (k > 0 && words->count > 0) memcpy(word, words->text, words->count * sizeof *word);
  out->words = k == 0 ? 0 : words->count;
  return C2_OK;
}

static void take_cell(cells *c, const unsigned char *from, size_t row) {
  uint64_t text = 0;
  if (c->time) {
    memcpy(&c->time[row], from, 8);
    memcpy(&c->zone[row], from + 8, 2);
  } else if (c->number) {
    memcpy(&c->number[row], from, 8);
  } else {
    memcpy(&text, from, 8);
    if (text == MISSING) return;
    c->code[row] = (uint32_t)text;
    c->valid[row / 8] |= (unsigned char)(1 << row % 8);
  }
}

/* The id of a row, which is that of the row before or a new one. */
static void take_id(const c2_grouped *g, cells *c, c2_column *out, uint32_t group, size_t row) {
  const char *id = (g->known ? g->known : &g->words[0].words)->text[group];
  const char **word = (const char **)(uintptr_t)out->word;
  if (out->words == 0 || word[out->words - 1] != id) word[out->words++] = id;
  c->code[row] = (uint32_t)(out->words - 1);
  c->valid[row / 8] |= (unsigned char)(1 << row % 8);
}

static c2_status take_rows(c2_grouped *g, size_t most, size_t end, c2_frame *frame, cells *c, size_t *line,
                           c2_error *err) {
  uint32_t group = 0;
  while (frame->rows < most && c2_spill_head(&g->spill, &group) && group < end) {
    size_t row = frame->rows++;
    const unsigned char *from = c2_spill_row(&g->spill);
    uint64_t at = 0;
    memcpy(&at, from, sizeof at);
    line[row] = (size_t)at;
    from += sizeof at;
    take_id(g, &c[0], &frame->column[0], group, row);
    for (size_t k = 1; k < g->wants; k++) {
      take_cell(&c[k], from, row);
      from += width_of(&g->want[k]);
    }
    C2_TRY(c2_spill_take(&g->spill, err));
  }
  return C2_OK;
}

c2_status c2_grouped_next(c2_grouped *g, const c2_want *want, size_t wants, size_t most, size_t end, c2_frame *frame,
                          c2_error *err) {
  cells *c = NULL;
  size_t *line = NULL;
  uint32_t group = 0;
  c2_status status = C2_OK;
  *frame = (c2_frame){.columns = 0};
  if (!g->is_read) C2_TRY(read_table(g, want, wants, err));
  if (!c2_spill_head(&g->spill, &group) || group >= end) most = 0;
  C2_GOTO(c2_alloc_array(wants, sizeof *c, &c, err));
  C2_GOTO(c2_alloc_array(wants, sizeof *frame->column, &frame->column, err));
  C2_GOTO(c2_alloc_array(most, sizeof *line, &line, err));
  frame->line = line;
  for (size_t k = 0; k < wants; k++) {
    frame->columns = k + 1; /* what it holds is freed also after a failure */
    C2_GOTO(open_column(g, k, most, &frame->column[k], &c[k], err));
  }
  status = take_rows(g, most, end, frame, c, line, err);
fail:
  free(c);
  return status;
}

void c2_grouped_close(c2_grouped *g) {
  drop_rows(g);
  free(g->want);
  free(g->words);
  if (g->is_open) c2_input_close(&g->input);
  memset(g, 0, sizeof *g);
}

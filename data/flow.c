/* Long tables in parts: rows are gathered until items are complete, and assembled as a table of their own. */
#include "data/flow.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/memory.h"
#include "data/assemble.h"
#include "data/axis.h"
#include "data/compressed.h"

/* Rows and items of a part, and the size of a file that is read in parts. */
enum { PART_ROWS = 1 << 17, PART_ITEMS = 2048, LARGE_FILE = 1 << 22 };

enum { MOST_TEXTS = 100000 }; /* of a column of categories, which each part holds all of */

/* ---- Rows ------------------------------------------------------------------------------------ */

static bool is_text(const c2_want *want) {
  return want->type == C2_WANT_TEXT || want->type == C2_WANT_MIXED;
}

static c2_status grow_column(const c2_flow *f, size_t k, size_t most, c2_error *err) {
  c2_flow_column *c = &f->column[k];
  size_t room[2] = {f->room, f->room};
  size_t bytes = f->room ? f->room / 8 + 1 : 0;
  if (f->want[k].type == C2_WANT_TIME) {
    C2_TRY(c2_grow_array(&c->time, &room[0], most, sizeof *c->time, err));
    return c2_grow_array(&c->zone, &room[1], most, sizeof *c->zone, err);
  }
  if (f->want[k].type != C2_WANT_NAME && !is_text(&f->want[k])) {
    return c2_grow_array(&c->number, &room[0], most, sizeof *c->number, err);
  }
  C2_TRY(c2_grow_array(&c->valid, &bytes, most / 8 + 1, 1, err));
  return c2_grow_array(&c->code, &room[0], most, sizeof *c->code, err);
}

static c2_status grow(c2_flow *f, size_t need, c2_error *err) {
  size_t room = f->room;
  if (need <= room) return C2_OK;
  size_t most = need + need / 2;
  C2_TRY(c2_grow_array(&f->line, &room, most, sizeof *f->line, err));
  for (size_t k = 0; k < f->wants; k++) C2_TRY(grow_column(f, k, most, err));
  f->room = most;
  return C2_OK;
}

/* Names or texts. A frame's names come in the order of their rows. */
static c2_status add_words(c2_flow_column *c, const c2_column *from, size_t at, size_t rows, c2_error *err) {
  size_t *code = NULL; /* of the frame's words */
  c2_status status = C2_OK;
  C2_TRY(c2_alloc_array(from->words, sizeof *code, &code, err));
  for (size_t i = 0; i < from->words; i++) C2_GOTO(c2_lookup_keep(&c->words, &c->pool, from->word[i], &code[i], err));
  for (size_t i = 0; i < rows; i++) {
    bool has = from->type == C2_COLUMN_TEXT && c2_column_has(from, i);
    c->code[at + i] = has ? (uint32_t)code[from->code[i]] : UINT32_MAX;
  }
fail:
  free(code);
  return status;
}

/* Whether each item's rows follow each other, from row `at` on. Names are numbered in the order of their rows. */
static void check_order(c2_flow *f, size_t at, size_t known) {
  const c2_flow_column *ids = &f->column[0];
  for (size_t i = at; i < f->rows; i++) {
    size_t before = 0;
    uint32_t code = ids->code[i];
    if (i > 0 && code == ids->code[i - 1]) continue;
    const char *id = ids->words.text[code];
    bool is_new = code == known && !c2_lookup_find(&f->seen, id, &before);
    known += code == known;
    if (is_new) continue;
    f->may_sort = true;
    (void)snprintf(f->reason, sizeof f->reason, "the rows of item '%.80s' come apart at line %zu", id, f->line[i]);
    return;
  }
}

static void add_times(const c2_flow_column *c, const c2_column *from, size_t at, size_t rows) {
  memcpy(c->time + at, from->time, rows * sizeof *c->time);
  for (size_t i = 0; i < rows; i++) c->zone[at + i] = c2_column_zone(from, i);
}

/* Covariates hold numbers or texts, as the first rows have it. */
static void settle_types(c2_flow *f, const c2_frame *frame) {
  for (size_t k = 0; k < f->wants; k++) {
    c2_want *want = &f->want[k];
    if (want->type != C2_WANT_ANY || frame->column[k].type != C2_COLUMN_TEXT) continue;
    want->type = C2_WANT_MIXED;
    if (f->read == 0) continue;
    f->may_sort = true;
    (void)snprintf(f->reason, sizeof f->reason, "column '%.60s' isn't numbers alone from about line %zu on",
                   frame->column[k].name, frame->line ? frame->line[0] : f->read);
  }
}

static c2_status add_frame(c2_flow *f, const c2_frame *frame, c2_error *err) {
  size_t at = f->rows;
  size_t known = f->column[0].words.count;
  settle_types(f, frame);
  if (f->reason[0]) return C2_OK;
  C2_TRY(grow(f, at + frame->rows, err));
  for (size_t i = 0; i < frame->rows; i++) f->line[at + i] = frame->line ? frame->line[i] : f->read + i + 1;
  for (size_t k = 0; k < f->wants; k++) {
    const c2_column *from = &frame->column[k];
    c2_flow_column *to = &f->column[k];
    if (f->want[k].type == C2_WANT_NAME || is_text(&f->want[k])) {
      C2_TRY(add_words(to, from, at, frame->rows, err));
    } else if (f->want[k].type == C2_WANT_TIME) {
      add_times(to, from, at, frame->rows);
    } else {
      for (size_t i = 0; i < frame->rows; i++) to->number[at + i] = c2_column_number(from, i);
    }
  }
  f->rows += frame->rows;
  f->read += frame->rows;
  if (!f->is_sorted) check_order(f, at, known);
  return C2_OK;
}

/* Rows of whole items, at most so many items; 0 if the first item isn't complete. */
static size_t find_cut(const c2_flow *f) {
  const uint32_t *code = f->column[0].code;
  size_t items = 1;
  size_t cut = 0;
  for (size_t i = 1; i < f->rows; i++) {
    if (code[i] == code[i - 1]) continue;
    cut = i;
    if (++items > PART_ITEMS) return cut;
  }
  return f->has_ended ? f->rows : cut;
}

static c2_status read_more(c2_flow *f, c2_error *err) {
  c2_frame frame = {.columns = 0};
  f->has_failed = true;
  if (f->is_sorted) {
    c2_status status = c2_grouped_next(&f->grouped, f->want, f->wants, PART_ROWS, SIZE_MAX, &frame, err);
    f->has_failed = !f->grouped.spill.has_failed; /* else it's kept in memory */
    C2_TRY(status);
  } else {
    C2_TRY(f->input.reader->next(&f->input, f->want, f->wants, PART_ROWS, &frame, err));
  }
  f->has_ended = frame.rows == 0;
  c2_status status = f->has_ended ? C2_OK : add_frame(f, &frame, err);
  c2_frame_free(&frame);
  f->has_failed = status != C2_OK;
  return status;
}

/* Lets the rows of the last part go. */
static c2_status drop_taken(c2_flow *f, c2_error *err) {
  c2_lookup words = {0};
  c2_pool pool = {.chunk = NULL};
  c2_status status = C2_OK;
  size_t rest = f->rows - f->taken;
  size_t from = f->taken;
  size_t code = 0;
  memmove(f->line, f->line + from, rest * sizeof *f->line);
  for (size_t k = 0; k < f->wants; k++) {
    c2_flow_column *c = &f->column[k];
    if (c->number) memmove(c->number, c->number + from, rest * sizeof *c->number);
    if (c->time) memmove(c->time, c->time + from, rest * sizeof *c->time);
    if (c->zone) memmove(c->zone, c->zone + from, rest * sizeof *c->zone);
    if (c->code && k > 0) memmove(c->code, c->code + from, rest * sizeof *c->code);
  }
  c2_flow_column *ids = &f->column[0];
  uint32_t *codes = ids->code;
  for (size_t i = 0; i < rest; i++) {
    if (i == 0 || codes[from + i] != codes[from + i - 1]) {
      C2_GOTO(c2_lookup_keep(&words, &pool, ids->words.text[codes[from + i]], &code, err));
    }
    codes[i] = (uint32_t)code; /* i is never ahead of what is still read */
  }
fail:
  c2_lookup_free(&ids->words);
  c2_pool_free(&ids->pool);
  ids->words = words;
  ids->pool = pool;
  f->rows = rest;
  f->taken = 0;
  return status;
}

/* ---- Parts ----------------------------------------------------------------------------------- */

/* The first part says what is wanted. */
static c2_status begin(c2_flow *f, const c2_want *want, size_t wants, c2_error *err) {
  if (wants == 0 || want[0].type != C2_WANT_NAME) {
    C2_FAIL(err, C2_ERR_UNSUPPORTED, "%s: no column of ids", f->source->name);
  }
  C2_TRY(c2_alloc_array(wants, sizeof *f->column, &f->column, err));
  C2_TRY(c2_alloc_array(wants, sizeof *f->want, &f->want, err));
  memcpy(f->want, want, wants * sizeof *want);
  f->wants = wants;
  return C2_OK;
}

static void lend_texts(const c2_flow *f, c2_flow_column *from, c2_column *to) {
  memset(from->valid, 0, f->taken / 8 + 1);
  for (size_t i = 0; i < f->taken; i++) {
    if (from->code[i] != UINT32_MAX) from->valid[i / 8] |= (unsigned char)(1 << i % 8);
  }
  to->type = C2_COLUMN_TEXT;
  to->code = from->code;
  to->valid = from->valid;
  to->word = from->words.text;
  to->words = from->words.count;
}

/* Columns that point to the first rows. */
static void lend_columns(const c2_flow *f, c2_frame *frame) {
  frame->columns = f->wants;
  frame->rows = f->taken;
  for (size_t k = 0; k < f->wants; k++) {
    c2_flow_column *from = &f->column[k];
    c2_column *to = &frame->column[k];
    *to = (c2_column){.name = f->source->header->names.text[f->want[k].column], .is_borrowed = true};
    if (from->code) {
      lend_texts(f, from, to);
    } else if (from->time) {
      to->type = C2_COLUMN_TIME;
      to->time = from->time;
      to->zone = from->zone;
    } else {
      to->type = C2_COLUMN_NUMBER;
      to->number = from->number;
    }
  }
}

/* Categories whose meaning another part of the table has a say in. */
static c2_status check_texts(c2_flow *f, c2_error *err) {
  size_t targets = 0;
  for (size_t k = 0; k < f->wants; k++) targets += f->want[k].type == C2_WANT_NUMBER;
  for (size_t k = 1; k < f->wants; k++) {
    const char *name = f->source->header->names.text[f->want[k].column];
    if (!is_text(&f->want[k])) continue;
    if (targets > 1) C2_FAIL(err, C2_ERR_UNSUPPORTED, "column '%.60s': categories beside several targets", name);
    if (f->column[k].words.count <= MOST_TEXTS) continue;
    C2_FAIL(err, C2_ERR_UNSUPPORTED, "column '%.60s' holds more than %d texts", name, MOST_TEXTS);
  }
  return C2_OK;
}

static c2_status read_part(c2_input *batch, const c2_want *want, size_t wants, c2_frame *frame, c2_error *err) {
  c2_flow *f = batch->owner;
  size_t *line = NULL;
  if (!f->want) C2_TRY(begin(f, want, wants, err));
  while (!f->has_ended && !f->reason[0] && (f->rows < PART_ROWS || find_cut(f) == 0)) C2_TRY(read_more(f, err));
  if (f->reason[0]) C2_FAIL(err, C2_ERR_UNSUPPORTED, "%s", f->reason);
  C2_TRY(check_texts(f, err));
  f->taken = find_cut(f);
  if (f->taken == 0) C2_FAIL(err, C2_ERR_FORMAT, "%s: no rows", f->source->name);
  batch->dialect = f->source->dialect;
  C2_TRY(c2_alloc_array(wants, sizeof *frame->column, &frame->column, err));
  lend_columns(f, frame);
  C2_TRY(c2_alloc_array(f->taken, sizeof *line, &line, err));
  memcpy(line, f->line, f->taken * sizeof *line);
  frame->line = line;
  return C2_OK;
}

static const c2_reader part_reader = {.name = "a part of a table", .read_columns = read_part};

/* ---- All ------------------------------------------------------------------------------------- */

bool c2_flow_is_large(const char *path) {
  c2_input input = {.path = path};
  struct stat info;
  bool is_dense = c2_is_compressed(path) || c2_duckdb_reader.sniff(&input);
  return stat(path, &info) == 0 && (S_ISDIR(info.st_mode) || info.st_size >= (is_dense ? LARGE_FILE / 4 : LARGE_FILE));
}

c2_status c2_flow_open(c2_flow *f, const char *path, const c2_read_options *options, bool sorted, c2_error *err) {
  *f = (c2_flow){.options = *options, .is_sorted = sorted};
  f->options.part = &f->part;
  f->grouped = (c2_grouped){.path = path, .options = &f->options};
  f->source = sorted ? &f->grouped.input : &f->input;
  if (sorted) {
    C2_TRY(c2_grouped_open(&f->grouped, err));
  } else {
    C2_TRY(c2_input_open_parts(&f->input, path, options->dialect, err));
  }
  f->batch = (c2_input){
      .path = path, .name = f->source->name, .reader = &part_reader, .owner = f, .is_sorted = sorted};
  f->batch.header = f->source->header;
  f->batch.hidden = f->source->hidden;
  f->batch.sheets = f->source->sheets;
  f->total.words.has_past_table = f->total.words.has_table = true;
  f->total.words.has_csv = f->source->reader == &c2_csv_reader;
  if (!f->source->reader->next) (void)snprintf(f->reason, sizeof f->reason, "it holds %s", f->source->reader->name);
  return C2_OK;
}

void c2_flow_set_future(c2_flow *f, const char *path, size_t horizon) {
  f->future = (c2_future_parts){.path = path, .options = &f->options, .horizon = horizon};
}

/* ---- In order -------------------------------------------------------------------------------- */

/* Whether columns of texts hold booleans alone, which only the last row tells. */
static void check_booleans(c2_flow *f, const c2_dataset *set, bool is_first) {
  const c2_item *item = set->item; /* all items have the same columns */
  for (size_t k = 0, at = f->wants - item->covariates; k < item->covariates; k++, at++) {
    c2_flow_column *c = &f->column[at];
    if (!is_first && c->is_boolean != item->covariate[k].is_boolean) {
      f->may_sort = true;
      (void)snprintf(f->reason, sizeof f->reason, "column '%.60s' holds other texts than booleans, after line %zu",
                     item->covariate[k].name, item->line);
    }
    c->is_boolean = item->covariate[k].is_boolean;
  }
}

/* Counts a part, and finds what it says against reading in parts. */
static c2_status check_part(c2_flow *f, const c2_dataset *set, c2_error *err) {
  c2_flow_total *total = &f->total;
  if (set->count > 0) check_booleans(f, set, total->items == 0);
  if (set->notes > 0) (void)snprintf(f->reason, sizeof f->reason, "%.490s", set->note[0]);
  for (size_t i = 0; i < set->count; i++) {
    size_t at = 0;
    const char *kept = NULL;
    const c2_item *item = &set->item[i];
    total->is_zoned = total->is_zoned || item->zone.given;
    if (f->is_sorted) continue;
    C2_TRY(c2_dataset_text(&total->words, item->id, &kept, err));
    C2_TRY(c2_lookup_add(&f->seen, kept, &at, err));
  }
  const char *zone = c2_dataset_zone(set);
  if (zone && !total->zone) C2_TRY(c2_dataset_text(&total->words, zone, &total->zone, err));
  total->items += set->count;
  total->whole_ids += set->whole_ids;
  total->rows += set->rows;
  total->filled += set->filled;
  if (f->options.freq || f->part.is_known) return C2_OK;
  const c2_freq *shared = c2_ballot_winner(&f->part.votes);
  if (shared) {
    f->part.is_known = true;
    f->part.shared = *shared;
  }
  return C2_OK;
}

static c2_status keep_words(c2_flow_total *total, const c2_dataset *set, c2_error *err) {
  c2_dialect_agree(&total->words.dialect, &set->dialect);
  if (set->utc_days && !total->words.utc_days) {
    C2_TRY(c2_dataset_text(&total->words, set->utc_days, &total->words.utc_days, err));
  }
  for (size_t i = 0; i < set->mixed.count; i++) {
    C2_TRY(c2_dataset_put_mixed(&total->words, set->mixed.text[i], set->mixed_at.text[i], err));
  }
  const c2_lookup *const sources[] = {&set->ignored, &set->taken, &set->found, &set->truths};
  c2_lookup *const targets[] = {&total->words.ignored, &total->words.taken, &total->words.found, &total->words.truths};
  for (size_t k = 0; k < sizeof sources / sizeof sources[0]; k++) {
    const c2_lookup *from = sources[k];
    c2_lookup *to = targets[k];
    for (size_t i = 0; i < from->count; i++) {
      const char *kept = NULL;
      size_t at = 0;
      if (c2_lookup_find(to, from->text[i], &at)) continue;
      C2_TRY(c2_dataset_text(&total->words, from->text[i], &kept, err));
      C2_TRY(c2_lookup_add(to, kept, &at, err));
    }
  }
  return C2_OK;
}

/* The parts took the frequency of the first one for that of all. */
static void check_frequency(c2_flow *f) {
  const c2_freq *shared = c2_ballot_winner(&f->part.votes);
  f->total.freq = f->options.freq ? *f->options.freq : f->part.shared;
  if (f->options.freq || (shared && c2_freq_equal(shared, &f->part.shared))) return;
  (void)snprintf(f->reason, sizeof f->reason, "items differ in frequency");
}

/* Known futures don't fit. In the order of the past's items that is an error; before, both tables may yet be sorted.
 * Those whose temporary file fails are read into memory. */
static c2_status refuse_future(c2_flow *f, const c2_error *why, bool is_final, c2_error *err) {
  bool has_failed = f->future.rows.spill.has_failed;
  if (is_final || why->code == C2_ERR_MEMORY || (f->is_sorted && !has_failed)) {
    return c2_remedy(err, why->remedy, c2_fail(err, why->code, "%s", why->text));
  }
  if (has_failed) {
    (void)snprintf(f->reason, sizeof f->reason, "%.490s", why->text);
  } else {
    f->may_sort = true;
    (void)snprintf(f->reason, sizeof f->reason, "the rows of %.400s may come in another order", f->future.path);
  }
  return C2_OK;
}

static c2_status fill_future(c2_flow *f, c2_dataset *set, c2_error *err) {
  c2_error why;
  bool is_final = false;
  f->future.known = f->is_sorted ? &f->grouped.words[0].words : NULL;
  c2_status status = c2_future_parts_fill(&f->future, set, &f->total.words, &is_final, &why);
  return status == C2_OK ? C2_OK : refuse_future(f, &why, is_final, err);
}

static c2_status count_missing(c2_flow *f, const c2_dataset *set, c2_error *err) {
  C2_TRY(c2_missing_count(&f->total.missing, set, &f->total.words, err));
  return c2_missing_count_futures(&f->total.missing, set, &f->total.words, err);
}

/* What is known after the last part. */
static c2_status end(c2_flow *f, c2_error *err) {
  c2_error why;
  check_frequency(f);
  C2_TRY(c2_dataset_note_mixed(&f->total.words, err));
  C2_TRY(c2_dataset_note_utc_days(&f->total.words, err));
  if (!f->future.path || f->reason[0]) return C2_OK;
  c2_status status = c2_future_parts_end(&f->future, &f->total.words, &why);
  return status == C2_OK ? C2_OK : refuse_future(f, &why, false, err);
}

c2_status c2_flow_next(c2_flow *f, c2_dataset *set, c2_error *err) {
  c2_error why;
  c2_status status = c2_assemble_long(&f->batch, set, &f->options, &why);
  if (status != C2_OK && (f->has_failed || status == C2_ERR_MEMORY)) {
    return c2_remedy(err, why.remedy, c2_fail(err, status, "%s", why.text));
  }
  if (status != C2_OK) {
    if (!f->reason[0]) (void)snprintf(f->reason, sizeof f->reason, "%.490s", why.text);
  } else {
    C2_TRY(drop_taken(f, err));
    C2_TRY(check_part(f, set, err));
    if (f->future.path && !f->reason[0]) C2_TRY(fill_future(f, set, err));
    if (!f->reason[0]) C2_TRY(count_missing(f, set, err));
    C2_TRY(keep_words(&f->total, set, err));
    if (c2_flow_ended(f) && !f->reason[0]) C2_TRY(end(f, err));
  }
  if (f->reason[0]) c2_dataset_free(set);
  return C2_OK;
}

double c2_flow_progress(const c2_flow *f) {
  const c2_csv_window *window = f->input.window;
  if (f->is_sorted && f->grouped.rows > 0) return (double)f->read / (double)f->grouped.rows;
  return window && window->file.size > 0 ? (double)window->offset / (double)window->file.size : -1;
}

void c2_flow_close(c2_flow *f) {
  for (size_t k = 0; f->column && k < f->wants; k++) {
    c2_flow_column *c = &f->column[k];
    free(c->code);
    free(c->valid);
    free(c->time);
    free(c->zone);
    free(c->number);
    c2_lookup_free(&c->words);
    c2_pool_free(&c->pool);
  }
  free(f->column);
  free(f->want);
  free(f->line);
  if (f->is_sorted) {
    c2_grouped_close(&f->grouped);
  } else {
    c2_input_close(&f->input);
  }
  c2_future_parts_close(&f->future);
  c2_lookup_free(&f->seen);
  c2_dataset_free(&f->total.words);
  *f = (c2_flow){.rows = 0};
}

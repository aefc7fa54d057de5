/* Known covariates, the rows of some items at a time. */
#include "data/future_parts.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/axis.h"
#include "data/future.h"

/* ---- With ids -------------------------------------------------------------------------------- */

/* What the reader of a part needs to know. */
typedef struct part {
  c2_future_parts *parts;
  const c2_dataset *set;
} part;

static c2_status read_part(c2_input *input, const c2_want *want, size_t wants, c2_frame *frame, c2_error *err) {
  const part *of = input->owner;
  c2_future_parts *p = of->parts;
  size_t end = p->items + of->set->count;
  size_t most = 1; /* more than there may be */
  c2_sum_up(&most, of->set->count, p->horizon);
  C2_TRY(c2_grouped_next(&p->rows, want, wants, most, end, frame, err));
  input->dialect = p->rows.input.dialect;
  const c2_column *ids = &frame->column[0];
  for (size_t i = 0; !p->known && i < ids->words; i++) {
    if (i < of->set->count && strcmp(ids->word[i], of->set->item[i].id) == 0) continue;
    C2_FAIL(err, C2_ERR_FORMAT, "the series of %s come in another order", p->path);
  }
  return C2_OK;
}

static const c2_reader part_reader = {.name = "known futures of a part", .read_columns = read_part};

static c2_status open_part(c2_future_parts *p, c2_dataset *set, c2_futures **futures, bool *is_final, c2_error *err) {
  part of = {p, set};
  const c2_input batch = {.path = p->path,
                          .name = p->rows.input.name,
                          .reader = &part_reader,
                          .owner = &of,
                          .header = p->rows.input.header,
                          .hidden = p->rows.input.hidden,
                          .sheets = p->rows.input.sheets};
  c2_status status = c2_futures_open_input(futures, set, &batch, p->options, p->horizon, &p->read_as, err);
  *is_final = !p->rows.is_read && !p->rows.is_refused && !p->rows.spill.has_failed;
  return status;
}

/* ---- Without ids ----------------------------------------------------------------------------- */

/* The rows hold for the items of all parts. */
static c2_status check_shared(c2_future_parts *p, const c2_dataset *set, c2_dataset *keeper, c2_error *err) {
  if (set->count == 0) return C2_OK;
  const c2_item *item = &set->item[0];
  if (p->items == 0) {
    p->first = (c2_item){.zone = item->zone, .freq = item->freq, .start = item->start, .length = item->length};
    C2_TRY(c2_dataset_text(keeper, item->id, &p->first.id, err));
    if (item->wall) C2_TRY(c2_dataset_open_wall(keeper, item->wall->zone, &p->first.wall, err));
  }
  return c2_axis_check_shared(p->path, &p->first, item, p->has_stamps, err);
}

static c2_status keep_used(c2_future_parts *p, const c2_futures *futures, c2_error *err) {
  size_t rows = 0;
  const bool *used = c2_futures_used(futures, &rows);
  if (!p->used) C2_TRY(c2_alloc_array(rows, sizeof *p->used, &p->used, err));
  if (p->items > 0 && rows != p->used_rows) C2_FAIL(err, C2_ERR_IO, "%s: it changed while it was read", p->path);
  p->used_rows = rows;
  for (size_t i = 0; i < rows; i++) p->used[i] = p->used[i] || used[i];
  return C2_OK;
}

/* ---- All ------------------------------------------------------------------------------------- */

/* Which of the two kinds the file is of is told by its first lines. */
static c2_status begin(c2_future_parts *p, const c2_dataset *set, c2_dataset *keeper, c2_error *err) {
  const char *id = c2_id_name(p->options->id_column);
  p->past = set->dialect;
  p->rows = (c2_grouped){.path = p->path, .options = p->options, .known = p->known, .expected = &p->past};
  C2_TRY(c2_grouped_open(&p->rows, err));
  keeper->has_csv = keeper->has_csv || p->rows.input.reader == &c2_csv_reader;
  p->has_ids = c2_header_has(p->rows.input.header, id);
  p->has_stamps = c2_header_has(p->rows.input.header, c2_stamp_name(p->options->timestamp_column));
  if (!p->has_ids) c2_grouped_close(&p->rows);
  return C2_OK;
}

c2_status c2_future_parts_fill(c2_future_parts *p, c2_dataset *set, c2_dataset *keeper, bool *is_final,
                               c2_error *err) {
  c2_futures *futures = NULL;
  c2_unseen unseen = {0};
  c2_status status = C2_OK;
  *is_final = true;
  if (p->items == 0) C2_GOTO(begin(p, set, keeper, err));
  if (p->has_ids) {
    C2_GOTO(open_part(p, set, &futures, is_final, err));
  } else {
    C2_GOTO(check_shared(p, set, keeper, err));
    *is_final = false;
    C2_GOTO(c2_futures_open(&futures, set, p->path, p->options, p->horizon, false, err));
  }
  C2_GOTO(c2_futures_fill(futures, 0, err));
  if (!p->has_ids) C2_GOTO(keep_used(p, futures, err));
  C2_GOTO(c2_unseen_count(&unseen, set, err));
  C2_GOTO(c2_unseen_add(&p->unseen, &unseen, keeper, err));
  p->items += set->count;
fail:
  c2_unseen_free(&unseen);
  c2_futures_close(&futures);
  return status;
}

c2_status c2_future_parts_end(c2_future_parts *p, c2_dataset *keeper, c2_error *err) {
  uint32_t group = 0;
  if (p->has_ids && c2_spill_head(&p->rows.spill, &group)) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s has more series than the past", p->path);
  }
  if (!p->has_ids) C2_TRY(c2_futures_note_shared(keeper, p->path, p->items, p->used, p->used_rows, err));
  C2_TRY(c2_dataset_note_truths(keeper, err));
  return c2_unseen_note(&p->unseen, keeper, err);
}

void c2_future_parts_close(c2_future_parts *p) {
  c2_grouped_close(&p->rows);
  c2_unseen_free(&p->unseen);
  free(p->used);
  memset(p, 0, sizeof *p);
}

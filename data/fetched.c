/* Columns that grow row by row. */
#include "data/fetched.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"

c2_status c2_fetched_grow(c2_fetched *f, size_t count, size_t *room, size_t need, c2_error *err) {
  size_t most = *room;
  if (need <= most) return C2_OK;
  most = c2_max_size(need, most + most / 2 + 65536);
  for (size_t k = 0; k < count; k++) {
    size_t before = *room;
    size_t capacity = *room;
    if (f[k].type == C2_WANT_TIME) {
      C2_TRY(c2_grow_array(&f[k].time, &capacity, most, sizeof *f[k].time, err));
      capacity = before;
      C2_TRY(c2_grow_array(&f[k].zone, &capacity, most, sizeof *f[k].zone, err));
    } else if (f[k].is_text) {
      C2_TRY(c2_grow_array(&f[k].code, &capacity, most, sizeof *f[k].code, err));
      capacity = before ? before / 8 + 1 : 0;
      size_t had = capacity;
      C2_TRY(c2_grow_array(&f[k].valid, &capacity, most / 8 + 1, 1, err));
      memset(f[k].valid + had, 0, capacity - had);
    } else {
      C2_TRY(c2_grow_array(&f[k].number, &capacity, most, sizeof *f[k].number, err));
    }
  }
  *room = most;
  return C2_OK;
}

/* The text's code; texts that are new are copied. */
static c2_status code_of(c2_fetched *f, const c2_input *input, size_t row, const char *bytes, size_t size,
                         uint32_t *code, c2_error *err) {
  const char *name = input->name;
  char room[256];
  char *text = size < sizeof room ? room : malloc(size + 1);
  size_t at = 0;
  c2_status status = C2_OK;
  if (!text) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate %zu bytes", size);
  memcpy(text, bytes, size);
  text[size] = '\0';
  bool cut = memchr(bytes, '\0', size) != NULL; /* what stands before a zero byte may be known */
  if (!cut && f->words.count > 0 && strcmp(f->words.text[f->last], text) == 0) { /* neighbours are often the same */
    at = f->last;
  } else if (cut || !c2_lookup_find(&f->words, text, &at)) {
    const char *kept = NULL;
    const char *fault = c2_text_fault(bytes, size);
    if (fault || (size == 0 && f->type == C2_WANT_NAME)) {
      C2_GOTO(c2_fail(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': expected %s, found %s%s'%.80s'", name, row, f->name,
                      f->what ? f->what : "a text", fault ? fault : "", fault ? " in " : "", text));
    }
    if (f->type == C2_WANT_NAME && input->bounds.items > 0 && f->words.count == input->bounds.items) {
      C2_GOTO(c2_fail(err, C2_ERR_FORMAT,
                      "%s:%zu: column '%.60s': expected at most %zu series, found one more, '%.80s'", name, row,
                      f->name, input->bounds.items, text));
    }
    C2_GOTO(c2_pool_text(f->pool, text, &kept, err));
    C2_GOTO(c2_lookup_add(&f->words, kept, &at, err));
  }
  if (at >= UINT32_MAX) C2_GOTO(c2_fail(err, C2_ERR_MEMORY, "%s: too many texts", name));
  f->last = at;
  *code = (uint32_t)at;
fail:
  if (text != room) free(text);
  return status;
}

static c2_status put_stamp(c2_fetched *f, c2_input *input, size_t row, const char *bytes, size_t size, c2_error *err) {
  char cell[80];
  c2_zone zone;
  bool whole = false;
  (void)snprintf(cell, sizeof cell, "%.*s", (int)c2_min_size(size, sizeof cell - 1), bytes);
  if (size >= sizeof cell || !c2_dialect_time(&input->dialect, cell, &f->time[row], &zone, &whole)) {
    C2_TRY(c2_dialect_check_stamp(&input->dialect, input->name, row + 1, f->name, cell, err));
    return c2_remedy(err, input->dialect.time_format[0] ? NULL : "time-format",
                     c2_fail(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': expected a time stamp, found '%.40s'",
                             input->name, row + 1, f->name, cell));
  }
  f->zone[row] = (int16_t)(whole ? C2_WHOLE_NUMBER : zone.given ? zone.minutes : C2_NO_ZONE);
  return C2_OK;
}

c2_status c2_fetched_put_text(c2_fetched *f, c2_input *input, size_t row, const char *bytes, size_t size,
                              c2_error *err) {
  if (!bytes && (f->type == C2_WANT_NAME || f->type == C2_WANT_TIME)) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': expected %s, found nothing", input->name, row + 1, f->name,
            f->what ? f->what : "a time stamp");
  }
  if (!bytes) return C2_OK;
  if (f->type == C2_WANT_TIME) return put_stamp(f, input, row, bytes, size, err);
  C2_TRY(code_of(f, input, row + 1, bytes, size, &f->code[row], err));
  f->valid[row / 8] |= (unsigned char)(1 << row % 8);
  return C2_OK;
}

c2_status c2_fetched_put_time(c2_fetched *f, const c2_input *input, size_t row, bool is_there, int64_t value,
                              c2_error *err) {
  f->time[row] = value;
  f->zone[row] = 0;
  if (is_there && value > -C2_COUNT_END * 1000 && value < C2_COUNT_END * 1000) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': expected a time stamp or a number of at most 15 digits",
          input->name, row + 1, f->name);
}

c2_status c2_fetched_refuse_part(const c2_fetched *f, const c2_input *input, size_t row, c2_error *err) {
  C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': expected whole microseconds, found nanoseconds between them",
          input->name, row + 1, f->name);
}

c2_status c2_fetched_put_number(c2_fetched *f, const c2_input *input, size_t row, double value, c2_error *err) {
  f->number[row] = value;
  if (!isinf(value)) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: column '%.60s': expected a finite number or nothing, found %g", input->name,
          row + 1, f->name, value);
}

static void finish_column(c2_fetched *f, size_t rows, c2_column *out) {
  if (f->type == C2_WANT_TIME) {
    bool whole = f->is_text ? true : f->is_whole;
    bool zoned = f->is_zoned;
    for (size_t i = 0; f->is_text && i < rows; i++) {
      whole = whole && f->zone[i] == C2_WHOLE_NUMBER;
      zoned = zoned || f->zone[i] != C2_NO_ZONE;
    }
    *out = (c2_column){.type = whole ? C2_COLUMN_INTEGER : C2_COLUMN_TIME, .time = f->time};
    f->time = NULL;
    if (zoned && !whole) {
      out->zone = f->zone;
      f->zone = NULL;
    }
  } else if (f->is_text) {
    *out = (c2_column){
        .type = C2_COLUMN_TEXT, .code = f->code, .valid = f->valid, .word = f->words.text, .words = f->words.count};
    f->code = NULL;
    f->valid = NULL;
    f->words.text = NULL;
  } else {
    *out = (c2_column){.type = C2_COLUMN_NUMBER, .number = f->number};
    f->number = NULL;
  }
  out->name = f->name;
}

c2_status c2_fetched_finish(c2_fetched *f, size_t count, size_t rows, c2_frame *frame, c2_error *err) {
  C2_TRY(c2_alloc_array(count, sizeof *frame->column, &frame->column, err));
  frame->rows = rows;
  for (; frame->columns < count; frame->columns++) {
    finish_column(&f[frame->columns], rows, &frame->column[frame->columns]);
  }
  return C2_OK;
}

void c2_fetched_free(c2_fetched *f, size_t count) {
  for (size_t k = 0; f && k < count; k++) {
    free(f[k].number);
    free(f[k].time);
    free(f[k].zone);
    free(f[k].code);
    free(f[k].valid);
    c2_lookup_free(&f[k].words);
  }
  free(f);
}

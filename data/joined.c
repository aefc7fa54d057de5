/* Frames of several tables, one below the other. Knows no format. */
#include "data/joined.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/assemble.h"
#include "data/cell.h"

typedef struct joint_parts {
  c2_input **input; /* [count] */
  c2_frame *frame;       /* [count] */
  size_t count, rows;
  c2_lookup *mixed; /* columns with numbers in some files and booleans in others */
} joint_parts;

static c2_status join_times(const joint_parts *p, size_t index, c2_column *out, c2_error *err) {
  int64_t *time = NULL;
  int16_t *zone = NULL;
  size_t at = 0;
  bool all_whole = true;
  C2_TRY(c2_alloc_array(p->rows, sizeof *time, &time, err));
  out->type = C2_COLUMN_TIME;
  out->time = time;
  C2_TRY(c2_alloc_array(p->rows, sizeof *zone, &zone, err));
  for (size_t k = 0; k < p->count; k++) {
    const c2_column *from = &p->frame[k].column[index];
    all_whole = all_whole && from->type == C2_COLUMN_INTEGER;
    for (size_t i = 0; i < p->frame[k].rows; i++, at++) {
      time[at] = from->time[i];
      zone[at] = c2_column_zone(from, i);
    }
  }
  if (all_whole) {
    out->type = C2_COLUMN_INTEGER;
    free(zone);
  } else {
    out->zone = zone;
  }
  return C2_OK;
}

static c2_status join_numbers(const joint_parts *p, size_t index, c2_column *out, c2_error *err) {
  double *number = NULL;
  size_t at = 0;
  C2_TRY(c2_alloc_array(p->rows, sizeof *number, &number, err));
  out->type = C2_COLUMN_NUMBER;
  out->number = number;
  for (size_t k = 0; k < p->count; k++) {
    const c2_column *c = &p->frame[k].column[index];
    for (size_t i = 0; i < p->frame[k].rows; i++, at++) {
      const char *text = c->type == C2_COLUMN_TEXT && c2_column_has(c, i) ? c->word[c->code[i]] : NULL;
      number[at] = c->type == C2_COLUMN_TEXT ? c2_boolean_number(text ? c2_boolean_text(text) : NULL)
                                             : c2_column_number(c, i);
    }
  }
  return C2_OK;
}

/* Codes of a file's words among those of all. */
static c2_status add_words(c2_lookup *words, const c2_column *from, size_t *code, c2_error *err) {
  for (size_t i = 0; i < from->words; i++) C2_TRY(c2_lookup_put(words, from->word[i], &code[i], err));
  if (words->count <= UINT32_MAX) return C2_OK;
  C2_FAIL(err, C2_ERR_MEMORY, "column '%.60s': too many texts", from->name);
}

/* Rows of a column of texts, or of numbers that are all missing, from row `at` on. */
static c2_status add_texts(c2_lookup *words, const c2_column *from, size_t rows, size_t at, uint32_t *to,
                           unsigned char *valid, c2_error *err) {
  size_t *code = NULL;
  C2_TRY(c2_alloc_array(from->words, sizeof *code, &code, err));
  c2_status status = add_words(words, from, code, err);
  for (size_t i = 0; i < rows && status == C2_OK && from->type == C2_COLUMN_TEXT; i++) {
    if (!c2_column_has(from, i)) continue;
    to[at + i] = (uint32_t)code[from->code[i]];
    valid[(at + i) / 8] |= (unsigned char)(1 << (at + i) % 8);
  }
  free(code);
  return status;
}

static c2_status join_texts(const joint_parts *p, size_t index, c2_column *out, c2_error *err) {
  uint32_t *code = NULL;
  unsigned char *valid = NULL;
  c2_lookup words = {0};
  size_t at = 0;
  c2_status status = C2_OK;
  C2_TRY(c2_alloc_array(p->rows, sizeof *code, &code, err));
  out->type = C2_COLUMN_TEXT;
  out->code = code;
  C2_TRY(c2_alloc_array(p->rows / 8 + 1, 1, &valid, err));
  out->valid = valid;
  for (size_t k = 0; k < p->count; k++) {
    C2_GOTO(add_texts(&words, &p->frame[k].column[index], p->frame[k].rows, at, code, valid, err));
    at += p->frame[k].rows;
  }
  out->word = words.text;
  out->words = words.count;
  words.text = NULL;
fail:
  c2_lookup_free(&words);
  return status;
}

static bool has_numbers(const c2_column *c, size_t rows) {
  for (size_t i = 0; i < rows && c->type != C2_COLUMN_TEXT; i++) {
    if (!isnan(c2_column_number(c, i))) return true;
  }
  return false;
}

static bool has_booleans_alone(const c2_column *c) {
  size_t k = 0;
  while (c->type == C2_COLUMN_TEXT && k < c->words && c2_boolean_text(c->word[k])) k++;
  return c->type != C2_COLUMN_TEXT || k == c->words;
}

static c2_status join_column(const joint_parts *p, size_t index, c2_want_type type, c2_column *out, c2_error *err) {
  size_t text = p->count;
  size_t number = p->count;
  bool booleans = true; /* what isn't a number */
  *out = (c2_column){.name = p->frame[0].column[index].name};
  if (type == C2_WANT_TIME) return join_times(p, index, out, err);
  for (size_t k = 0; k < p->count; k++) {
    const c2_column *c = &p->frame[k].column[index];
    if (c->type == C2_COLUMN_TEXT) text = k;
    booleans = booleans && has_booleans_alone(c);
    if (has_numbers(c, p->frame[k].rows)) number = k;
  }
  if (text == p->count) return join_numbers(p, index, out, err);
  if (number == p->count) return join_texts(p, index, out, err);
  if (booleans) {
    size_t at = 0;
    C2_TRY(c2_lookup_put(p->mixed, out->name, &at, err));
    return join_numbers(p, index, out, err);
  }
  C2_FAIL(err, C2_ERR_FORMAT, "%s: column '%.60s' holds texts, but numbers in %s: expected one of them",
          p->input[text]->name, out->name, p->input[number]->name);
}

static c2_status read_part(c2_input *input, const c2_header *header, const c2_want *want, size_t wants, c2_frame *frame,
                           c2_error *err) {
  c2_want *own = NULL; /* its columns may be in another order */
  c2_status status = C2_OK;
  C2_TRY(c2_alloc_array(wants, sizeof *own, &own, err));
  for (size_t k = 0; k < wants; k++) {
    own[k] = want[k];
    C2_GOTO(c2_header_find(input->header, header->names.text[want[k].column], &own[k].column, err));
  }
  status = input->reader->read_columns(input, own, wants, frame, err);
fail:
  free(own);
  return status;
}

/* Lines and files of the rows. */
static c2_status join_lines(const joint_parts *p, c2_frame *out, c2_error *err) {
  size_t *line = NULL;
  c2_frame_part *part = NULL;
  size_t at = 0;
  C2_TRY(c2_alloc_array(p->rows, sizeof *line, &line, err));
  out->line = line;
  C2_TRY(c2_alloc_array(p->count, sizeof *part, &part, err));
  out->part = part;
  out->parts = p->count;
  for (size_t k = 0; k < p->count; k++) {
    const c2_frame *f = &p->frame[k];
    for (size_t i = 0; i < f->rows; i++) line[at++] = f->line ? f->line[i] : i + 1;
    part[k] = (c2_frame_part){p->input[k]->name, at};
  }
  return C2_OK;
}

/* No file is read as the files before it are where a later one differs from them. */
static c2_status check_dialects(const c2_input *joint, c2_error *err) {
  const c2_dialect *all = &joint->dialect;
  for (size_t k = 0; k < joint->parts; k++) {
    const c2_dialect *d = &joint->part[k]->dialect;
    bool by_decimal = d->takes_decimal && all->decimals_differ;
    if (!by_decimal && !(d->takes_format && all->formats_differ)) continue;
    C2_FAIL(err, C2_ERR_FORMAT, "%s: its %s may be read in two ways, and the other files differ: write them alike",
            joint->part[k]->name, by_decimal ? "numbers" : "time stamps");
  }
  return C2_OK;
}

static c2_status read_columns(c2_input *joint, const c2_want *want, size_t wants, c2_frame *frame, c2_error *err) {
  joint_parts p = {.input = joint->part, .count = joint->parts, .mixed = joint->owner};
  c2_status status = C2_OK;
  *frame = (c2_frame){.columns = 0};
  C2_TRY(c2_alloc_array(p.count, sizeof *p.frame, &p.frame, err));
  for (size_t k = 0; k < p.count; k++) {
    joint->part[k]->expected = &joint->dialect;
    C2_GOTO(read_part(joint->part[k], joint->header, want, wants, &p.frame[k], err));
    c2_dialect_agree(&joint->dialect, &joint->part[k]->dialect);
    p.rows += p.frame[k].rows;
  }
  C2_GOTO(check_dialects(joint, err));
  C2_GOTO(join_lines(&p, frame, err));
  C2_GOTO(c2_alloc_array(wants, sizeof *frame->column, &frame->column, err));
  frame->rows = p.rows;
  for (size_t k = 0; k < wants; k++) {
    frame->columns = k + 1; /* what it holds is freed also after a failure */
    C2_GOTO(join_column(&p, k, want[k].type, &frame->column[k], err));
  }
fail:
  for (size_t k = 0; k < p.count; k++) c2_frame_free(&p.frame[k]);
  free(p.frame);
  return status;
}

static const c2_reader joined_reader = {.name = "several tables", .read_columns = read_columns};

c2_status c2_joined_read(c2_input **part, size_t parts, c2_dataset *set, const c2_read_options *options,
                         c2_error *err) {
  char name[200];
  c2_lookup mixed = {0};
  (void)snprintf(name, sizeof name, "%.150s and %zu more file%s", part[0]->name, parts - 1, parts == 2 ? "" : "s");
  c2_input joint = {.path = part[0]->path, .name = name, .reader = &joined_reader, .header = part[0]->header};
  joint.part = part;
  joint.parts = parts;
  joint.owner = &mixed;
  joint.dialect = part[0]->dialect;
  c2_status status = c2_assemble_long(&joint, set, options, err);
  for (size_t k = 0; k < mixed.count && status == C2_OK; k++) {
    status = c2_dataset_note(
        set, err, "column '%.60s': numbers in some files, booleans in others: True counts as 1, False as 0",
        mixed.text[k]);
  }
  c2_lookup_free(&mixed);
  return status;
}

/* What `chronos2 detect` writes: CSV, and a page. */
#include <math.h>

#include "base/memory.h"
#include "base/text.h"
#include "cli/detect.h"
#include "cli/draw.h"
#include "data/csv.h"
#include "page/page.h"

enum {
  MOST_STEPS = 3000, /* of a series that are drawn */
  MOST_NUMBERS = 4 << 20,
  MOST_LISTED = 1000,
  DIGITS = C2_PAGE_DIGITS
};

/* Digits of a band: seven, and more where seven hardly tell its sides apart, or, where it has no width, the observation
 * from what was expected. */
static int digits_of(const detect_row *row, size_t step) {
  const detect_point *p = &row->point[step - row->first];
  double value = detect_value(row, step);
  bool has_width = p->upper > p->lower && isfinite(p->lower) && isfinite(p->upper);
  if (isnan(p->score)) return DIGITS; /* it wasn't judged */
  return has_width ? c2_digits_apart(p->lower, p->upper, DIGITS)
                   : c2_digits_apart(fmin(value, p->expected), fmax(value, p->expected), DIGITS);
}

/* ---- CSV ------------------------------------------------------------------------------------------ */

static c2_status write_step(const detect_row *row, size_t step, FILE *out, c2_error *err) {
  const detect_point *p = &row->point[step - row->first];
  const double numbers[] = {detect_value(row, step), p->expected, p->lower, p->upper, p->score};
  const int of_band = digits_of(row, step);
  const int digits[] = {17, of_band, of_band, of_band, DIGITS};
  char text[C2_TIME_ROOM];
  C2_TRY(cli_draw_stamp(row->item, step, text, err));
  c2_csv_write(out, row->item->id);
  (void)fprintf(out, ",%s,", text);
  c2_csv_write(out, row->item->target_names[row->target]);
  for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
    (void)fputc(',', out);
    cli_print_double(out, numbers[i], digits[i]);
  }
  (void)fprintf(out, ",%d\n", detect_is_flagged(p));
  return C2_OK;
}

c2_status detect_write(const detect_request *r, FILE *out, c2_error *err) {
  c2_csv_write(out, c2_id_name(r->in.id_column));
  (void)fputc(',', out);
  c2_csv_write(out, c2_stamp_name(r->in.timestamp_column));
  (void)fputs(",target_name,value,expected,lower,upper,score,flag\n", out);
  for (size_t i = 0; i < r->rows; i++) {
    const detect_row *row = &r->row[i];
    for (size_t step = detect_first_told(r, row); step < row->item->length; step++) {
      const detect_point *p = &row->point[step - row->first];
      if (isnan(p->score) || (!r->all && !detect_is_flagged(p))) continue;
      C2_TRY(write_step(row, step, out, err));
    }
  }
  return C2_OK;
}

/* ---- The page ---------------------------------------------------------------------------------------- */

/* Digits of all numbers of a row, as those need most that are drawn from `from` on or listed. */
static int digits_of_row(const detect_row *row, size_t from) {
  size_t length = row->item->length;
  int digits = cli_draw_digits(row->item->target + row->target * length + from, length - from, DIGITS);
  for (size_t step = row->first; step < length; step++) {
    int own = step >= from || detect_is_flagged(&row->point[step - row->first]) ? digits_of(row, step) : DIGITS;
    digits = own > digits ? own : digits;
  }
  return digits;
}

/* One number of each judged step from `first` on; null where there is none. `of`: its place in a point. */
static void put_row(c2_json_writer *w, const detect_row *row, size_t first, size_t of) {
  c2_json_begin_array(w, NULL);
  for (size_t step = first; step < row->item->length; step++) {
    const detect_point *p = &row->point[step - row->first];
    const double numbers[] = {p->expected, p->lower, p->upper};
    c2_json_put_number(w, NULL, isnan(p->score) ? (double)NAN : numbers[of]);
  }
  c2_json_end_array(w);
}

static c2_status put_chart(c2_json_writer *w, const detect_row *row, size_t from, c2_error *err) {
  size_t first = c2_max_size(row->first, from);
  C2_TRY(cli_draw_stamps(w, row->item, from, row->item->length - from, err));
  c2_json_put_numbers(w, "past", row->item->target + row->target * row->item->length + from, row->item->length - from);
  c2_json_put_whole(w, "from", first - from);
  c2_json_begin_array(w, "band"); /* expected, lower, upper */
  for (size_t of = 0; of < 3; of++) put_row(w, row, first, of);
  c2_json_end_array(w);
  return C2_OK;
}

/* A list of the flagged observations: of the last ones, where there are too many. */
static c2_status put_flags(c2_json_writer *w, const detect_request *r, const detect_row *row, size_t from,
                           size_t *listed, c2_error *err) {
  char text[C2_TIME_ROOM];
  c2_json_begin_array(w, "flags");
  for (size_t step = row->item->length; step-- > detect_first_told(r, row);) {
    const detect_point *p = &row->point[step - row->first];
    if (isnan(p->score) || !detect_is_flagged(p) || *listed >= MOST_LISTED) continue;
    ++*listed;
    C2_TRY(cli_draw_stamp(row->item, step, text, err));
    c2_json_begin_object(w, NULL);
    c2_json_put_text(w, "stamp", text);
    if (step >= from) c2_json_put_whole(w, "x", step - from);
    c2_json_put_number(w, "value", detect_value(row, step));
    c2_json_put_number(w, "expected", p->expected);
    c2_json_put_number(w, "lower", p->lower);
    c2_json_put_number(w, "upper", p->upper);
    c2_json_put_number(w, "score", p->score);
    c2_json_end_object(w);
  }
  c2_json_end_array(w);
  return C2_OK;
}

static c2_status put_series(c2_json_writer *w, const detect_request *r, c2_error *err) {
  size_t numbers = 0;
  size_t listed = 0;
  size_t drawn = 0;
  c2_json_begin_array(w, "series");
  for (size_t i = 0; i < r->rows; i++) {
    const detect_row *row = &r->row[i];
    size_t length = row->item->length;
    size_t from = length > MOST_STEPS ? length - MOST_STEPS : 0;
    c2_json_begin_object(w, NULL);
    c2_json_put_text(w, "id", row->item->id);
    c2_json_put_text(w, "target", row->item->targets > 1 ? row->item->target_names[row->target] : "");
    c2_json_put_whole(w, "judged", row->judged);
    c2_json_put_whole(w, "count", row->flags);
    c2_json_put_whole(w, "length", length);
    w->digits = digits_of_row(row, from);
    C2_TRY(put_flags(w, r, row, from, &listed, err));
    if (numbers < MOST_NUMBERS) {
      C2_TRY(put_chart(w, row, from, err));
      numbers += 5 * (length - from);
      drawn++;
    }
    w->digits = DIGITS;
    c2_json_end_object(w);
  }
  c2_json_end_array(w);
  if (drawn < r->rows) {
    cli_warn("%s draws the first %zu of %zu %s", r->report, drawn, r->rows,
             cli_draw_name(r->rows, r->in.set.count));
  }
  if (listed < r->flags) cli_warn("%s lists %zu of %zu flagged observations", r->report, listed, r->flags);
  return cli_draw_warnings(w, err);
}

c2_status detect_draw(const detect_request *r, FILE *out, c2_error *err) {
  static const c2_page_kind kind = {"Detection", "What was not to be expected", c2_page_detect_js};
  c2_page page;
  c2_json_writer *w = &page.json;
  c2_page_begin(&page, out, &kind);
  (void)fprintf(out, "<p class=\"plain\">%s.</p>\n<p class=\"note\">", r->found);
  c2_page_text(out, r->summary);
  (void)fputs(".</p>\n", out);
  c2_page_data(&page);
  c2_json_begin_object(w, NULL);
  c2_json_put_number(w, "coverage", r->coverage);
  c2_json_begin_object(w, "facts");
  c2_json_put_text(w, "Input", r->summary);
  c2_json_put_text(w, "Model", r->model_name);
  c2_json_put_number(w, "Coverage", r->coverage);
  c2_json_put_whole(w, "Steps ahead, at most", r->horizon);
  c2_json_put_whole(w, "Observations before the first that is judged", r->warmup);
  c2_json_put_text(w, "Program", chronos2_version());
  c2_json_end_object(w);
  C2_TRY(put_series(w, r, err));
  c2_json_end_object(w);
  return c2_page_end(&page, r->report, err);
}

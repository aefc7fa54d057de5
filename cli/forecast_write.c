/* The output of `chronos2 forecast`: CSV in long format. */
#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/caveats.h"
#include "base/memory.h"
#include "base/text.h"
#include "cli/forecast.h"
#include "data/csv.h"
#include "data/series.h"
#include "data/table_write.h"

static void print_number(const forecast_request *r, FILE *out, double value) {
  if (r->round && r->digits == 0) {
    (void)fprintf(out, "%.0f", value);
  } else if (r->digits > 0) {
    cli_print_double(out, value, (int)r->digits);
  } else {
    char text[C2_FLOAT_ROOM];
    c2_float_text(text, value);
    if (strtod(text, NULL) < r->least) c2_double_text(text, r->least, C2_USUAL_DIGITS); /* 1234567.2 for 1234567.25 */
    (void)fputs(text, out);
  }
}

/* What --min and --round make of numbers. */
static void change(const forecast_request *r, double *values, size_t count, size_t *raised) {
  for (size_t i = 0; i < count; i++) {
    if (values[i] < r->least) {
      values[i] = r->least;
      if (raised) ++*raised;
    }
    if (r->round) values[i] = round(values[i]) + 0.0; /* no -0 */
  }
}

c2_status forecast_values(const forecast_request *r, const chronos2_forecast *f, size_t series, size_t target,
                          double *point, double *at_levels, size_t *raised, c2_error *err) {
  C2_TRY(c2_api(chronos2_forecast_at_levels(f, series, target, r->levels, r->level_count, at_levels), err));
  memcpy(point, chronos2_forecast_median(f, series, target), r->horizon * sizeof *point);
  change(r, point, r->horizon, raised);
  change(r, at_levels, r->horizon * r->level_count, raised);
  return C2_OK;
}

static const char *type_of_numbers(const forecast_request *r) {
  return r->digits > 9 || r->embed || r->round ? "DOUBLE" : "FLOAT";
}

bool forecast_has_floats(const forecast_request *r) {
  return c2_table_file_asked(r->output) && strcmp(type_of_numbers(r), "FLOAT") == 0;
}

/* Numbers beyond float32 would be infinite, and those below it 0, in a column of that type. */
static c2_status check_range(const forecast_request *r, const c2_item *item, const double *values, size_t count,
                             c2_error *err) {
  if (!forecast_has_floats(r)) return C2_OK;
  for (size_t i = 0; i < count; i++) {
    const char *loss = c2_float32_loss(values[i]);
    if (!loss) continue;
    C2_FAIL(err, C2_ERR_FORMAT, "%s: series '%.80s': %g is %s the range of float32; --digits 17 writes float64",
            r->output, item->id, values[i], loss);
  }
  return C2_OK;
}

/* Whether what is written went through float32: as a text of so many digits, in a column, or as a rollout goes on from
 * it. */
static bool is_float32(const forecast_request *r) {
  return r->rolls || (r->digits == 0 && !r->round) || forecast_has_floats(r);
}

/* Whether the quantiles of a step are but two units of the last digit apart. */
static bool digits_are_few(size_t digits, const double *values, size_t count) {
  double low = values[0];
  double high = values[0];
  for (size_t i = 1; i < count; i++) {
    low = fmin(low, values[i]);
    high = fmax(high, values[i]);
  }
  double level = fmax(fabs(low), fabs(high));
  return digits > 0 && low < high && high - low <= 2 * pow(10, floor(log10(level)) + 1 - (double)digits);
}

/* Whether float32 is too coarse or the digits are too few for a target's first step, and which: values are those of
 * `count` levels there. */
static bool is_coarse(const forecast_request *r, const c2_item *item, size_t target, const double *values,
                      size_t count, bool *by_digits) {
  bool tiny = fabs(values[0]) < (double)FLT_MIN && !c2_table_file_asked(r->output); /* a text has own digits there */
  bool by_float = is_float32(r) && !tiny && c2_float_is_coarse(values, 1, count);
  *by_digits = !by_float;
  if (r->round || (!by_float && !digits_are_few(r->digits, values, count))) return false;
  size_t used = c2_min_size(r->context, item->length); /* a context that doesn't vary has bands without a width */
  return c2_varies(item->target + (target + 1) * item->length - used, used);
}

/* Item i, which is series `at` of the forecast. */
static c2_status write_item(forecast_request *r, const chronos2_forecast *f, size_t at, const char *scenario, size_t i,
                            FILE *out, c2_error *err) {
  const c2_item *item = &r->in.set.item[i];
  double *point = NULL;
  static const double ends[2] = {0.1, 0.9};
  bool alone = r->level_count < 2; /* one level says nothing of a band */
  C2_TRY(c2_alloc_array(r->horizon * (r->level_count + 1 + 2 * alone), sizeof *point, &point, err));
  double *values = point + r->horizon;
  double *band = alone ? values + r->horizon * r->level_count : values;
  bool coarse = false;
  bool by_digits = false;
  c2_status status = C2_OK;
  for (size_t t = 0; t < item->targets; t++) {
    C2_GOTO(forecast_values(r, f, at, t, point, values, &r->raised, err));
    C2_GOTO(check_range(r, item, point, r->horizon * (r->level_count + 1), err));
    if (alone) C2_GOTO(c2_api(chronos2_forecast_at_levels(f, at, t, ends, 2, band), err));
    coarse = coarse || is_coarse(r, item, t, band, alone ? 2 : r->level_count, &by_digits);
    for (size_t s = 0; s < r->horizon; s++) {
      c2_time stamp;
      char text[C2_TIME_ROOM];
      C2_GOTO(c2_freq_add(&item->freq, item->start, (int64_t)(item->length + s), &stamp, err));
      c2_item_stamp(item, stamp, text);
      if (scenario) {
        c2_csv_write(out, scenario);
        (void)fputc(',', out);
      }
      c2_csv_write(out, item->id);
      (void)fprintf(out, ",%s,", text);
      c2_csv_write(out, item->target_names[t]);
      (void)fputc(',', out);
      print_number(r, out, point[s]);
      for (size_t q = 0; q < r->level_count; q++) {
        (void)fputc(',', out);
        print_number(r, out, values[s * r->level_count + q]);
      }
      (void)fputc('\n', out);
    }
  }
  if (!r->unclear[0]) C2_GOTO(c2_item_unclear(item, r->horizon, r->unclear, err));
  if (coarse && r->coarse++ == 0) {
    (void)snprintf(r->coarse_id, sizeof r->coarse_id, "%s", item->id);
    r->coarse_by_digits = by_digits;
  }
fail:
  free(point);
  return status;
}

void forecast_write_header(const forecast_request *r, FILE *out) {
  if (r->scenarios) (void)fputs("scenario,", out);
  c2_csv_write(out, c2_id_name(r->in.id_column));
  (void)fputc(',', out);
  c2_csv_write(out, c2_stamp_name(r->in.timestamp_column));
  (void)fputs(",target_name,predictions", out);
  for (size_t q = 0; q < r->level_count; q++) {
    (void)fputc(',', out);
    cli_print_double(out, r->levels[q], FORECAST_MOST_DIGITS);
  }
  (void)fputc('\n', out);
}

c2_status forecast_write_items(forecast_request *r, const chronos2_forecast *f, size_t first, const char *scenario,
                               FILE *out, c2_error *err) {
  for (size_t i = 0; i < r->in.set.count; i++) C2_TRY(write_item(r, f, first + i, scenario, i, out, err));
  return C2_OK;
}

/* item_id,target_name,token,loc,scale and a column for each dimension; tokens in the model's order, REG and the one
 * future token last. */
c2_status forecast_write_embeddings(const forecast_request *r, const chronos2_embedding *e, size_t d_model, FILE *out,
                                    c2_error *err) {
  int digits = r->digits > 0 ? (int)r->digits : FORECAST_MOST_DIGITS; /* loc and scale are doubles */
  c2_csv_write(out, c2_id_name(r->in.id_column));
  (void)fputs(",target_name,token,loc,scale", out);
  for (size_t d = 0; d < d_model; d++) (void)fprintf(out, ",%zu", d);
  (void)fputc('\n', out);
  for (size_t i = 0; i < r->in.set.count; i++) {
    const float *value = chronos2_embedding_values(e, i);
    for (size_t t = 0; t < r->in.set.item[i].targets; t++) {
      double loc = 0;
      double scale = 0;
      C2_TRY(c2_api(chronos2_embedding_scale(e, i, t, &loc, &scale), err));
      for (size_t token = 0; token < chronos2_embedding_tokens(e, i); token++) {
        c2_csv_write(out, r->in.set.item[i].id);
        (void)fputc(',', out);
        c2_csv_write(out, r->in.set.item[i].target_names[t]);
        (void)fprintf(out, ",%zu,", token);
        cli_print_double(out, loc, digits);
        (void)fputc(',', out);
        cli_print_double(out, scale, digits);
        for (size_t d = 0; d < d_model; d++) {
          (void)fputc(',', out);
          print_number(r, out, (double)*value++);
        }
        (void)fputc('\n', out);
      }
    }
  }
  return C2_OK;
}

/* A table in parts has one frequency, and its items are gone. */
static c2_stamps stamps_of(const forecast_request *r) {
  if (!r->parts) return c2_dataset_stamps(&r->in.set);
  if (r->total.freq.unit == C2_FREQ_COUNT) return C2_STAMPS_COUNT;
  if (r->total.zone) return C2_STAMPS_ZONED;
  return r->total.is_zoned ? C2_STAMPS_TEXT : C2_STAMPS_TIME;
}

const char *forecast_zone(const forecast_request *r) {
  return r->parts ? r->total.zone : c2_dataset_zone(&r->in.set);
}

/* Ids are as they came: a table of whole numbers joins no texts. */
static const char *type_of_ids(const forecast_request *r) {
  bool are_whole = r->parts ? r->total.whole_ids == r->total.items : c2_dataset_has_whole_ids(&r->in.set);
  return are_whole ? "BIGINT" : "VARCHAR";
}

/* SQL types of the columns of a forecast or of embeddings, the last one that of all numbers. */
size_t forecast_column_types(const forecast_request *r, const char *out[6]) {
  static const char *const types[] = {
      [C2_STAMPS_TEXT] = "VARCHAR", [C2_STAMPS_TIME] = "TIMESTAMP", [C2_STAMPS_COUNT] = "BIGINT",
      [C2_STAMPS_ZONED] = "TIMESTAMPTZ"};
  size_t n = 0;
  if (r->scenarios) out[n++] = "VARCHAR";
  out[n++] = type_of_ids(r);
  out[n++] = r->embed ? "VARCHAR" : types[stamps_of(r)];
  out[n++] = r->embed ? "BIGINT" : "VARCHAR";
  out[n++] = type_of_numbers(r);
  return n;
}

/* The study's page: its data as one JSON object, its verdict as text for those who run no scripts. How it looks
 * is study/report/'s matter. */
#include "study/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/outfile.h"
#include "base/platform.h"
#include "study/json.h"

enum { EXAMPLES = 4, DIGITS = 7 };

/* ---- Data ------------------------------------------------------------------------------------ */

static json_t *radii_json(const c2_study *s) {
  return c2_json_numbers(s->options.perf_radii, s->options.perf_radius_count);
}

static json_t *mass_json(const c2_study *s) {
  json_t *rows = json_array();
  for (size_t k = 0; k < s->options.radius_count; k++) {
    const c2_mass_summary_row *m = &s->mass[k];
    json_t *row = json_object();
    json_object_set_new(row, "radius", c2_json_number(m->radius));
    json_object_set_new(row, "kept", c2_json_number(m->mean[0]));
    json_object_set_new(row, "best", c2_json_number(m->best[0]));
    json_object_set_new(row, "edges", c2_json_number(m->edges[0]));
    json_object_set_new(row, "uniform", c2_json_number(m->uniform[0]));
    json_array_append_new(rows, row);
  }
  return rows;
}

/* Kept mass [radius][layer][head], means of tasks. */
static json_t *heads_json(const c2_study *s) {
  size_t radii = s->options.radius_count;
  size_t count = s->result[0].head_count;
  json_t *rows = json_array();
  for (size_t i = 0; i < count; i++) {
    const c2_head_row *first = &s->result[0].head[i]; /* layer by layer, head by head, radius by radius */
    double sum = 0;
    for (size_t t = 0; t < s->done; t++) sum += s->result[t].head[i].share.mass;
    if (i < radii) json_array_append_new(rows, json_array());
    json_t *layers = json_array_get(rows, i % radii);
    if (first->head == 0) json_array_append_new(layers, json_array());
    json_array_append_new(json_array_get(layers, first->layer), c2_json_number(sum / (double)s->done));
  }
  return rows;
}

/* As shares of the score of full attention; the interval is the one at 90%, of which equivalence is read. */
static json_t *change_json(const c2_equivalence_row *x) {
  json_t *object = json_object();
  json_object_set_new(object, "tasks", c2_json_whole(x->test.n));
  json_object_set_new(object, "change", c2_json_number(expm1(x->test.mean)));
  json_object_set_new(object, "low", c2_json_number(expm1(x->test.low_90)));
  json_object_set_new(object, "high", c2_json_number(expm1(x->test.high_90)));
  json_object_set_new(object, "smallest_margin", c2_json_number(expm1(x->test.smallest_margin)));
  json_object_set_new(object, "p_equivalent", c2_json_number(x->p_equivalent_holm));
  return object;
}

static json_t *arms_json(const c2_study *s) {
  json_t *rows = json_array();
  for (size_t k = 0; k < s->arms; k++) {
    json_t *row = json_object();
    json_object_set_new(row, "pattern", c2_json_text(c2_arm_pattern(&s->arm[k])));
    json_object_set_new(row, "radius", c2_json_number(s->arm[k].radius));
    json_object_set_new(row, "trained_sparse", json_boolean(s->arm[k].sparse_model));
    json_object_set_new(row, "MASE", change_json(c2_study_equivalence(s, k, C2_MASE)));
    json_object_set_new(row, "WQL", change_json(c2_study_equivalence(s, k, C2_WQL)));
    json_array_append_new(rows, row);
  }
  return rows;
}

static void set_scores(json_t *object, const double *score) {
  json_object_set_new(object, "MASE", c2_json_number(score[C2_MASE]));
  json_object_set_new(object, "WQL", c2_json_number(score[C2_WQL]));
}

static json_t *pattern_json(const c2_perf_row *r) {
  json_t *object = json_object();
  set_scores(object, r->score);
  json_object_set_new(object, "seconds", c2_json_number(r->median_s));
  json_object_set_new(object, "alloc", c2_json_number(r->alloc_median_mb));
  json_object_set_new(object, "resident", c2_json_number(r->reserved_median_mb));
  return object;
}

/* Mean over the probed windows of a task; NaN if the probe didn't have the radius. */
static double kept_mass(const c2_task_result *r, double radius) {
  double sum = 0;
  size_t n = 0;
  for (size_t k = 0; k < r->mass_count; k++) {
    if (r->mass[k].radius != radius) continue;
    sum += r->mass[k].share.mass;
    n++;
  }
  return n ? sum / (double)n : (double)NAN;
}

static json_t *task_json(const c2_study *s, size_t i) {
  const c2_task_result *r = &s->result[i];
  const c2_task *task = &s->tasks.task[i];
  json_t *object = json_object();
  json_t *sparse = json_array();
  json_t *naive = json_object();
  set_scores(naive, r->naive.score);
  for (size_t k = 0; k < s->options.perf_radius_count; k++) {
    json_t *one = pattern_json(&r->perf[k + 1]);
    json_object_set_new(one, "radius", c2_json_number(s->options.perf_radii[k]));
    json_object_set_new(one, "kept", c2_json_number(kept_mass(r, s->options.perf_radii[k])));
    json_object_set_new(one, "speedup", c2_json_number(r->perf[k + 1].speedup));
    json_object_set_new(one, "speedup_low", c2_json_number(r->perf[k + 1].speedup_low));
    json_object_set_new(one, "speedup_high", c2_json_number(r->perf[k + 1].speedup_high));
    json_object_set_new(one, "bound",
                        c2_json_number(c2_total_work(&r->perf[0].work) / c2_total_work(&r->perf[k + 1].work)));
    json_array_append_new(sparse, one);
  }
  json_object_set_new(object, "name", c2_json_text(task->name));
  json_object_set_new(object, "windows", c2_json_whole(task->num_windows));
  json_object_set_new(object, "forecasts", c2_json_whole(r->perf[0].num_forecasts));
  json_object_set_new(object, "tokens", r->mass_count ? c2_json_whole(r->mass[0].tokens) : json_null());
  json_object_set_new(object, "naive", naive);
  json_object_set_new(object, "full", pattern_json(&r->perf[0]));
  json_object_set_new(object, "sparse", sparse);
  return object;
}

static json_t *forecast_json(const c2_example *x, size_t forecast) {
  static const char *const name[] = {"low", "median", "high"};
  const double *values = c2_example_forecast(x, forecast);
  json_t *object = json_object();
  for (size_t q = 0; q < 3; q++) {
    json_t *line = json_array();
    for (size_t t = 0; t < x->horizon; t++) json_array_append_new(line, c2_json_number(values[3 * t + q]));
    json_object_set_new(object, name[q], line);
  }
  return object;
}

static json_t *example_json(const char *task, const c2_example *x) {
  json_t *object = json_object();
  json_object_set_new(object, "task", c2_json_text(task));
  json_object_set_new(object, "series", c2_json_text(x->series));
  json_object_set_new(object, "past", c2_json_numbers(x->values, x->past));
  json_object_set_new(object, "truth", c2_json_numbers(x->values + x->past, x->horizon));
  json_object_set_new(object, "full", forecast_json(x, 0));
  json_object_set_new(object, "sparse", forecast_json(x, 1));
  return object;
}

static json_t *study_json(const c2_study *s) {
  json_t *object = json_object();
  json_t *speed = json_array();
  json_t *tasks = json_array();
  json_t *examples = json_array();
  for (size_t i = 0; i < s->done; i++) {
    json_array_append_new(tasks, task_json(s, i));
    const c2_example *example = &s->result[i].example;
    if (i >= EXAMPLES || !example->values) continue; /* none where no model was run */
    json_array_append_new(examples, example_json(s->tasks.task[i].name, example));
  }
  for (size_t k = 0; k < s->options.perf_radius_count; k++) {
    json_array_append_new(speed, c2_json_number(s->test[k].median_speedup));
  }
  json_object_set_new(object, "record", c2_record_json(s));
  json_object_set_new(object, "model", c2_json_text(s->options.model_name));
  json_object_set_new(object, "radius", c2_json_number(s->options.perf_radii[c2_study_verdict_radius(s)]));
  json_object_set_new(object, "margin", c2_json_number(s->options.margin));
  json_object_set_new(object, "radii", radii_json(s));
  json_object_set_new(object, "mass", mass_json(s));
  json_object_set_new(object, "heads", heads_json(s));
  json_object_set_new(object, "arms", arms_json(s));
  json_object_set_new(object, "tasks", tasks);
  json_object_set_new(object, "examples", examples);
  json_object_set_new(object, "speed", speed);
  return object;
}

/* ---- The page -------------------------------------------------------------------------------- */

static void put_text(FILE *out, const char *text, size_t size) {
  for (size_t i = 0; i < size; i++) {
    switch (text[i]) {
      case '<': (void)fputs("&lt;", out); break;
      case '>': (void)fputs("&gt;", out); break;
      case '&': (void)fputs("&amp;", out); break;
      default: (void)fputc(text[i], out);
    }
  }
}

/* "attention: radius 8 keeps ...", the subject in bold. */
static void put_line(FILE *out, const char *text) {
  const char *colon = strstr(text, ": ");
  size_t subject = colon ? (size_t)(colon - text) + 1 : 0;
  (void)fputs("<li><b>", out);
  put_text(out, text, subject);
  (void)fputs("</b>", out);
  put_text(out, text + subject, strlen(text + subject));
  (void)fputs("</li>\n", out);
}

/* What the tests of equivalence say of the verdict's radius. */
static void put_accuracy(FILE *out, const c2_study *s, const char *radius) {
  const c2_equivalence_row *row = c2_study_equivalence(s, 1 + c2_study_verdict_radius(s), C2_MASE);
  const c2_equivalence *t = &row->test;
  if (t->n < 2 || isnan(t->p_equivalent)) {
    (void)fprintf(out, "Whether radius %s costs accuracy, so few tasks cannot tell (%zu). ", radius, t->n);
    return;
  }
  if (t->p_equivalent < 0.05) {
    (void)fprintf(out, "Radius %s is as accurate as full attention within %.3g%%", radius, c2_percent(row->margin));
  } else if (t->p < 0.05) {
    (void)fprintf(out, "Radius %s %s", radius, t->mean > 0 ? "costs accuracy" : "makes forecasts better");
  } else {
    (void)fprintf(out, "Whether radius %s costs accuracy, these %zu tasks do not tell", radius, t->n);
  }
  (void)fprintf(out, ": the error changes by %+.3g%%, and anything from %+.3g%% to %+.3g%% agrees with the data. ",
                c2_percent(t->mean), c2_percent(t->low_90), c2_percent(t->high_90));
}

static void put_plain_words(FILE *out, const c2_study *s) {
  const c2_test_row *test = &s->test[c2_study_verdict_radius(s)];
  char radius[C2_REPR_ROOM];
  c2_radius_text(test->radius, radius);
  (void)fputs("<p class=\"plain\">", out);
  if (!s->look.trained) (void)fputs("These weights look untrained: this says nothing of a trained model. ", out);
  put_accuracy(out, s, radius);
  (void)fprintf(out, "It took %.0f%% of the time of full attention", 100 / test->median_speedup);
  if (isfinite(test->median_bound)) {
    bool busy = test->median_speedup > 1.1 * test->median_bound;
    (void)fprintf(out, "; the saved arithmetic alone would make that %.0f%%%s", 100 / test->median_bound,
                  busy ? ", so measure again on a quiet machine" : "");
  }
  if (s->trained[0]) (void)fprintf(out, ". The weights were trained for %s", s->trained);
  (void)fputs(".</p>\n", out);
}

static void put_verdict(FILE *out, const c2_study *s) {
  char line[C2_VERDICT_LINES][C2_VERDICT_ROOM];
  c2_study_verdict(s, line);
  put_plain_words(out, s);
  (void)fputs("<ul class=\"verdict\">\n", out);
  for (size_t i = 0; i < C2_VERDICT_LINES; i++) {
    if (line[i][0]) put_line(out, line[i]);
  }
  (void)fputs("</ul>\n", out);
  if (s->warnings == 0) return;
  (void)fputs("<ul class=\"warnings\">\n", out);
  for (size_t i = 0; i < s->warnings; i++) {
    (void)fputs("<li><b>Warning:</b> ", out);
    put_text(out, s->warning[i], strlen(s->warning[i]));
    (void)fputs("</li>\n", out);
  }
  (void)fputs("</ul>\n", out);
}

/* In JSON a '<' can only be within a string; escaped, nothing there ends the script element or opens a comment. */
static void put_json(FILE *out, const char *text) {
  for (; *text; text++) {
    if (*text == '<') {
      (void)fputs("\\u003c", out);
    } else {
      (void)fputc(*text, out);
    }
  }
}

static c2_status write_page(const c2_study *s, const char *path, const char *json, c2_error *err) {
  static const char verdict_mark[] = "@VERDICT@";
  static const char data_mark[] = "@DATA@";
  const char *page = (const char *)c2_report_page;
  const char *verdict = strstr(page, verdict_mark);
  const char *data = verdict ? strstr(verdict, data_mark) : NULL;
  if (!data) C2_FAIL(err, C2_ERR_FORMAT, "%s: the page was built without its marks", path);
  c2_outfile file;
  C2_TRY(c2_outfile_open(&file, path, err));
  (void)fwrite(page, 1, (size_t)(verdict - page), file.stream);
  put_verdict(file.stream, s);
  verdict += sizeof verdict_mark - 1;
  (void)fwrite(verdict, 1, (size_t)(data - verdict), file.stream);
  put_json(file.stream, json);
  (void)fputs(data + sizeof data_mark - 1, file.stream);
  c2_status status = c2_outfile_commit(&file, err);
  c2_outfile_discard(&file);
  return status;
}

c2_status c2_report_write(const c2_study *study, c2_error *err) {
  static const char name[] = "__report.html";
  size_t size = strlen(study->options.prefix) + sizeof name;
  json_t *object = study_json(study);
  char *json = json_dumps(object, JSON_ENSURE_ASCII | JSON_COMPACT | JSON_REAL_PRECISION(DIGITS));
  char *path = malloc(size);
  c2_status status = C2_OK;
  if (json && path) {
    (void)snprintf(path, size, "%s%s", study->options.prefix, name);
    status = write_page(study, path, json, err);
  } else {
    status = c2_fail(err, C2_ERR_MEMORY, "cannot allocate the report");
  }
  free(json);
  free(path);
  json_decref(object);
  return status;
}

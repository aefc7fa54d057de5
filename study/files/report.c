/* The study's page: its data as one JSON object, its verdict as text for those who run no scripts. How it looks
 * is page/'s matter. */
#include "study/files/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_writer.h"
#include "base/outfile.h"
#include "page/page.h"
#include "study/files/record.h"
#include "study/files/schema.h"
#include "study/files/tables.h"

enum { EXAMPLES = 4 };

/* What a page tells of. */
typedef struct study {
  const c2_plan *plan;
  const c2_results *results;
  const c2_summary *summary;
  const c2_journal *journal;
} study;

/* ---- Data ------------------------------------------------------------------------------------ */

/* The probed windows of a task that have a share. */
static double windows_of(const study *s, const c2_task_result *task) {
  size_t windows = 0;
  for (size_t k = 0; k < task->mass_count; k += s->results->radii.count) {
    windows += isfinite(task->mass[k].share.mass) ? 1 : 0;
  }
  return (double)windows;
}

/* Kept mass [layer][head][radius], means of windows, as that of all heads together: a task counts as often as it has
 * windows with a share. */
static void put_heads(c2_json_writer *w, const study *s) {
  c2_json_begin_array(w, "heads");
  for (size_t i = 0; i < s->results->task[0].head_count; i++) {
    double sum = 0;
    double windows = 0;
    for (size_t t = 0; t < s->results->done; t++) {
      const c2_task_result *task = &s->results->task[t];
      if (!isfinite(task->head[i].share.mass)) continue;
      sum += windows_of(s, task) * task->head[i].share.mass;
      windows += windows_of(s, task);
    }
    c2_json_put_number(w, NULL, sum / windows);
  }
  c2_json_end_array(w);
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

/* Tokens of the first probed window of a task, and its kept mass by radius. */
static void put_probed(c2_json_writer *w, const study *s, const c2_task_result *r) {
  const c2_radii *radii = &s->results->perf_radii;
  c2_json_begin_object(w, NULL);
  c2_json_put_number(w, "tokens", r->mass_count ? (double)r->mass[0].tokens : (double)NAN);
  c2_json_begin_array(w, "kept");
  for (size_t k = 0; k < radii->count; k++) c2_json_put_number(w, NULL, kept_mass(r, radii->at[k]));
  c2_json_end_array(w);
  c2_json_end_object(w);
}

static void put_example(c2_json_writer *w, const char *task, const c2_example *x) {
  c2_json_begin_object(w, NULL);
  c2_json_put_text(w, "task", task);
  c2_json_put_text(w, "series", x->series);
  c2_json_put_numbers(w, "past", x->values, x->past);
  c2_json_put_numbers(w, "truth", x->values + x->past, x->horizon);
  c2_json_put_numbers(w, "full", c2_example_forecast(x, 0), 3 * x->horizon); /* [horizon][0.1, 0.5, 0.9] */
  c2_json_put_numbers(w, "sparse", c2_example_forecast(x, 1), 3 * x->horizon);
  c2_json_end_object(w);
}

static c2_status put_study(c2_json_writer *w, const study *s, c2_error *err) {
  c2_json_begin_object(w, NULL);
  c2_record_put(w, "record", s->plan, s->results, s->summary, s->journal);
  c2_json_put_text(w, "model", s->results->model_name);
  c2_json_put_number(w, "radius", s->results->perf_radii.at[s->results->verdict]);
  c2_json_put_number(w, "margin", s->plan->margin);
  c2_json_put_numbers(w, "radii", s->results->perf_radii.at, s->results->perf_radii.count);
  c2_json_begin_array(w, "metrics");
  for (size_t m = 0; m < s->results->compared.count; m++) {
    c2_json_put_text(w, NULL, c2_metric_name(s->results->compared.at[m]));
  }
  c2_json_end_array(w);
  C2_TRY(c2_tables_put(w, s->plan, s->results, s->summary, err));
  put_heads(w, s);
  c2_json_begin_array(w, "probed");
  for (size_t i = 0; i < s->results->done; i++) put_probed(w, s, &s->results->task[i]);
  c2_json_end_array(w);
  c2_json_begin_array(w, "examples");
  for (size_t i = 0; i < s->results->done && i < EXAMPLES; i++) {
    const c2_example *example = &s->results->task[i].example;
    if (example->values) put_example(w, s->results->task[i].task->name, example); /* none where no model was run */
  }
  c2_json_end_array(w);
  c2_json_end_object(w);
  return C2_OK;
}

/* ---- The page -------------------------------------------------------------------------------- */

/* "attention: radius 8 keeps ...", the subject in bold. */
static void put_line(FILE *out, const char *text) {
  const char *colon = strstr(text, ": ");
  size_t subject = colon ? (size_t)(colon - text) + 1 : 0;
  (void)fputs("<li><b>", out);
  c2_page_bytes(out, text, subject);
  (void)fputs("</b>", out);
  c2_page_text(out, text + subject);
  (void)fputs("</li>\n", out);
}

/* What the tests of equivalence say of the verdict's radius. */
static void put_accuracy(FILE *out, const study *s, const char *radius) {
  const c2_equivalence_row *row = c2_change_of(s->summary, 1 + s->results->verdict, 0);
  const c2_equivalence *t = &row->test;
  if (t->n < 2 || isnan(t->smallest_margin)) {
    (void)fprintf(out, "Whether radius %s costs accuracy, so few tasks cannot tell (%zu). ", radius, t->n);
    return;
  }
  (void)fprintf(out,
                "At radius %s %s (margin %.3g%%, %zu tasks): the error changes by %+.3g%%, and anything from %+.3g%% "
                "to %+.3g%% (90%% interval) agrees with the data. ",
                radius, c2_outcome(row), c2_percent(row->margin), t->n, c2_percent(t->mean), c2_percent(t->low_90),
                c2_percent(t->high_90));
}

/* A time whose interval holds no difference is noise, and so is the median of such times. */
static void put_time(FILE *out, const c2_results *results, const c2_test_row *test) {
  const char *missing = c2_no_interval(results, test);
  if (test->timed == 0) {
    (void)fputs("How long it took, the files do not say", out);
  } else if (test->intervals && 2 * test->differ < test->intervals) {
    (void)fprintf(out, "In time, %zu of %zu tasks show a difference (95%% intervals of repeats)", test->differ,
                  test->intervals);
  } else {
    (void)fprintf(out, "It took %.0f%% of the time of full attention (median of tasks%s%s)", 100 / test->median_speedup,
                  missing ? "; " : "", missing ? missing : "");
  }
  if (!isfinite(test->median_bound)) return;
  double ratio = test->median_speedup / test->median_bound; /* NaN without times */
  (void)fprintf(out, "; the saved arithmetic alone would leave %.0f%% of the time%s", 100 / test->median_bound,
                ratio > 1.1 || ratio < 1 / 1.1 ? ", so the times hold more than arithmetic" : "");
}

static void put_plain_words(FILE *out, const study *s) {
  const c2_test_row *test = &s->summary->test[s->results->verdict];
  char radius[C2_RADIUS_ROOM];
  c2_radius_text(test->radius, radius);
  (void)fputs("<p class=\"plain\">", out);
  if (!s->results->look[0].trained)
    (void)fputs("These weights look untrained: this says nothing of a trained model. ", out);
  if (s->plan->sparse_model_folder && !s->results->look[1].trained)
    (void)fputs("The sparse model's weights look untrained: its arms say nothing of a trained one. ", out);
  put_accuracy(out, s, radius);
  put_time(out, s->results, test);
  if (s->results->trained[0]) (void)fprintf(out, ". The weights were trained for %s", s->results->trained);
  (void)fputs(".</p>\n", out);
}

static void put_verdict(FILE *out, const study *s) {
  char line[C2_VERDICT_LINES][C2_VERDICT_ROOM];
  c2_verdict(s->results, s->summary, line);
  (void)fputs("<h2>Verdict</h2>\n", out);
  put_plain_words(out, s);
  (void)fputs("<ul class=\"verdict\">\n", out);
  for (size_t i = 0; i < C2_VERDICT_LINES; i++) {
    if (line[i][0]) put_line(out, line[i]);
  }
  (void)fputs("</ul>\n", out);
  if (s->journal->warnings == 0) return;
  (void)fputs("<ul class=\"warnings\">\n", out);
  for (size_t i = 0; i < s->journal->warnings; i++) {
    (void)fputs("<li><b>Warning:</b> ", out);
    c2_page_text(out, s->journal->warning[i]);
    (void)fputs("</li>\n", out);
  }
  (void)fputs("</ul>\n", out);
}

static c2_status write_page(const study *s, const char *path, c2_error *err) {
  static const c2_page_kind kind = {"Study of sparse attention", "What sparse time attention keeps, costs and gains",
                                    c2_page_study_js};
  c2_page page;
  c2_outfile file;
  c2_status status = c2_outfile_open(&file, path, err);
  if (status != C2_OK) goto fail;
  c2_page_begin(&page, file.stream, &kind);
  put_verdict(file.stream, s);
  c2_page_data(&page);
  C2_GOTO(put_study(&page.json, s, err));
  C2_GOTO(c2_page_end(&page, path, err));
  C2_GOTO(c2_outfile_commit(&file, err));
fail:
  c2_outfile_discard(&file);
  return status;
}

c2_status c2_report_write(const c2_plan *plan, const c2_results *results, const c2_summary *summary,
                          const c2_journal *journal, c2_error *err) {
  char path[C2_PATH_ROOM];
  c2_path_of(plan->prefix, "__report.html", path);
  return write_page(&(study){plan, results, summary, journal}, path, err);
}

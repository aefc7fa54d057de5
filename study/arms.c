/* The arms of a study: what is compared with dense attention. */
#include <math.h>

#include "base/memory.h"
#include "study/run.h"

static void add(c2_study *s, bool sparse_model, chronos2_attention attention, double radius, bool timed) {
  s->arm[s->arms++] = (c2_arm){sparse_model, attention, radius, timed};
}

static bool has_infinite_radius(const c2_study_options *o) {
  return isinf(o->perf_radii[o->perf_radius_count - 1]); /* ascending */
}

c2_status c2_study_choose_arms(c2_study *s, c2_error *err) {
  const c2_study_options *o = &s->options;
  size_t n = o->perf_radius_count;
  if (n == 0) return C2_OK;
  C2_TRY(c2_alloc_array(3 * n + 4, sizeof *s->arm, &s->arm, err));
  add(s, false, CHRONOS2_FULL, (double)NAN, true);
  for (size_t i = 0; i < n; i++) add(s, false, CHRONOS2_WINDOWED_FUTURE_GLOBAL, o->perf_radii[i], true);
  bool blind = o->blind_arm && !has_infinite_radius(o);
  if (blind) add(s, false, CHRONOS2_WINDOWED_FUTURE_GLOBAL, (double)INFINITY, false);
  for (size_t i = 0; o->visible_arms && i < n; i++) {
    add(s, false, CHRONOS2_WINDOWED_FUTURE_VISIBLE, o->perf_radii[i], false);
  }
  if (o->visible_arms && !has_infinite_radius(o)) {
    add(s, false, CHRONOS2_WINDOWED_FUTURE_VISIBLE, (double)INFINITY, false);
  }
  if (!o->sparse_model_folder) return C2_OK;
  add(s, true, CHRONOS2_FULL, (double)NAN, false);
  for (size_t i = 0; i < n; i++) add(s, true, CHRONOS2_WINDOWED_FUTURE_GLOBAL, o->perf_radii[i], false);
  return C2_OK;
}

static void print_change(FILE *out, const c2_equivalence *t) {
  if (isnan(t->mean)) {
    (void)fprintf(out, " %9s %23s", "-", "");
  } else {
    (void)fprintf(out, " %+8.3g%% [%+9.3g%%, %+9.3g%%]", c2_percent(t->mean), c2_percent(t->low_95),
                  c2_percent(t->high_95));
  }
}

void c2_study_print_arms(const c2_study *s, FILE *out) {
  if (s->arms == 0) return;
  (void)fprintf(out, "%-18s %9s %23s %9s %8s %9s %23s\n", "arm, against full", "MASE", "95% CI", "p equiv", "margin",
                "WQL", "95% CI");
  for (size_t k = 1; k < s->arms; k++) {
    const c2_equivalence *m = &c2_study_equivalence(s, k, C2_MASE)->test;
    char name[C2_REPR_ROOM];
    c2_arm_name(&s->arm[k], name);
    (void)fprintf(out, "%-18s", name);
    print_change(out, m);
    (void)fprintf(out, " %9.2g %7.3g%%", m->p_equivalent, c2_percent(m->smallest_margin));
    print_change(out, &c2_study_equivalence(s, k, C2_WQL)->test);
    (void)fputc('\n', out);
  }
  (void)fprintf(out, "p equiv: for MASE to be equivalent within %.3g%%; margin: the smallest that the data support\n",
                100 * s->options.margin);
}

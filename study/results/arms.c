/* The arms of a study: what is compared with dense attention. */
#include <math.h>

#include "base/memory.h"
#include "study/run.h"

static void add(c2_study *s, bool sparse_model, chronos2_attention attention, double radius, bool timed) {
  s->arm[s->arms++] = (c2_arm){.sparse_model = sparse_model, .attention = attention, .radius = radius, .timed = timed};
}

static void add_blind(c2_study *s, c2_blindness blindness, const chronos2_head *blind, size_t count) {
  s->arm[s->arms++] = (c2_arm){.attention = CHRONOS2_FULL,
                               .radius = (double)NAN,
                               .blindness = blindness,
                               .blind = blind,
                               .blind_count = count};
}

static bool has_infinite_radius(const c2_study_options *o) {
  return isinf(o->perf_radii[o->perf_radius_count - 1]); /* ascending */
}

/* A pattern at the radii and without a limit. */
static void add_pattern(c2_study *s, chronos2_attention attention) {
  const c2_study_options *o = &s->options;
  for (size_t i = 0; i < o->perf_radius_count; i++) add(s, false, attention, o->perf_radii[i], false);
  if (!has_infinite_radius(o)) add(s, false, attention, (double)INFINITY, false);
}

static bool is_ablated(const c2_study_options *o, chronos2_head head) {
  for (size_t i = 0; i < o->ablate_count; i++) {
    if (o->ablate[i].layer == head.layer && o->ablate[i].head == head.head) return true;
  }
  return false;
}

/* Dense attention in which some heads are blind: the chosen ones, the others, and each alone. */
static c2_status add_heads(c2_study *s, c2_error *err) {
  const c2_study_options *o = &s->options;
  size_t heads = s->layers * s->heads;
  size_t others = 0;
  for (size_t i = 0; i < o->ablate_count; i++) {
    if (o->ablate[i].layer < s->layers && o->ablate[i].head < s->heads) continue;
    C2_FAIL(err, C2_ERR_ARGUMENT, "--ablate: expected a layer below %zu and a head below %zu, found %zu:%zu", s->layers,
            s->heads, o->ablate[i].layer, o->ablate[i].head);
  }
  C2_TRY(c2_alloc_array(2 * heads, sizeof *s->head, &s->head, err));
  for (size_t i = 0; i < heads; i++) {
    s->head[i] = (chronos2_head){i / s->heads, i % s->heads};
    if (!is_ablated(o, s->head[i])) s->head[heads + others++] = s->head[i];
  }
  if (o->ablate_count > 0) {
    add_blind(s, C2_BLIND_CHOSEN, o->ablate, o->ablate_count);
    if (others > 0) add_blind(s, C2_BLIND_OTHERS, s->head + heads, others);
  }
  for (size_t i = 0; o->find_sinks && i < heads; i++) add_blind(s, C2_BLIND_ONE, s->head + i, 1);
  return C2_OK;
}

c2_status c2_study_choose_arms(c2_study *s, c2_error *err) {
  const c2_study_options *o = &s->options;
  size_t n = o->perf_radius_count;
  if (n == 0) return C2_OK;
  C2_TRY(c2_alloc_array(4 * n + 7 + s->layers * s->heads, sizeof *s->arm, &s->arm, err));
  add(s, false, CHRONOS2_FULL, (double)NAN, true);
  for (size_t i = 0; i < n; i++) add(s, false, CHRONOS2_WINDOWED_FUTURE_GLOBAL, o->perf_radii[i], true);
  bool blind = o->blind_arm && !has_infinite_radius(o);
  if (blind) add(s, false, CHRONOS2_WINDOWED_FUTURE_GLOBAL, (double)INFINITY, false);
  if (o->visible_arms) add_pattern(s, CHRONOS2_WINDOWED_FUTURE_VISIBLE);
  if (o->null_arms) add_pattern(s, CHRONOS2_WINDOWED_FUTURE_NULL);
  if (o->sparse_model_folder) {
    add(s, true, CHRONOS2_FULL, (double)NAN, false);
    for (size_t i = 0; i < n; i++) add(s, true, CHRONOS2_WINDOWED_FUTURE_GLOBAL, o->perf_radii[i], false);
  }
  return o->ablate_count || o->find_sinks ? add_heads(s, err) : C2_OK;
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
    if (s->arm[k].blindness == C2_BLIND_ONE) continue; /* ranked elsewhere */
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

/* The arms of a study: what is compared with dense attention. */
#include <math.h>

#include "study/results/results.h"

static void add(c2_results *r, bool sparse_model, chronos2_attention attention, double radius, bool timed) {
  r->arm[r->arms++] = (c2_arm){.sparse_model = sparse_model, .attention = attention, .radius = radius, .timed = timed};
}

static void add_blind(c2_results *r, c2_blindness blindness, const chronos2_head *blind, size_t count) {
  r->arm[r->arms++] =
      (c2_arm){.attention = CHRONOS2_FULL, .radius = (double)NAN, .blindness = blindness, .blind = {blind, count}};
}

static bool has_infinite_radius(const c2_results *r) {
  return isinf(r->perf_radii.at[r->perf_radii.count - 1]); /* ascending */
}

static void add_radii(c2_results *r, bool sparse_model, chronos2_attention attention, bool timed) {
  for (size_t i = 0; i < r->perf_radii.count; i++) add(r, sparse_model, attention, r->perf_radii.at[i], timed);
}

/* A pattern at the radii and without a limit. */
static void add_pattern(c2_results *r, chronos2_attention attention) {
  add_radii(r, false, attention, false);
  if (!has_infinite_radius(r)) add(r, false, attention, (double)INFINITY, false);
}

static bool is_ablated(const c2_heads *ablate, chronos2_head head) {
  for (size_t i = 0; i < ablate->count; i++) {
    if (ablate->at[i].layer == head.layer && ablate->at[i].head == head.head) return true;
  }
  return false;
}

/* Dense attention in which some heads are blind: the chosen ones, the others, and each alone. */
static c2_status add_heads(const c2_plan *plan, c2_results *r, c2_error *err) {
  const c2_heads *ablate = &plan->ablate;
  size_t heads = r->layers * r->heads;
  size_t others = 0;
  for (size_t i = 0; i < ablate->count; i++) {
    if (ablate->at[i].layer < r->layers && ablate->at[i].head < r->heads) continue;
    C2_FAIL(err, C2_ERR_ARGUMENT, "--ablate: expected a layer below %zu and a head below %zu, found %zu:%zu", r->layers,
            r->heads, ablate->at[i].layer, ablate->at[i].head);
  }
  C2_TRY(c2_pool_alloc(&r->tasks.pool, 2 * heads, sizeof *r->head, &r->head, err));
  for (size_t i = 0; i < heads; i++) {
    r->head[i] = (chronos2_head){i / r->heads, i % r->heads};
    if (!is_ablated(ablate, r->head[i])) r->head[heads + others++] = r->head[i];
  }
  if (ablate->count > 0) {
    add_blind(r, C2_BLIND_CHOSEN, ablate->at, ablate->count);
    if (others > 0) add_blind(r, C2_BLIND_OTHERS, r->head + heads, others);
  }
  for (size_t i = 0; plan->find_sinks && i < heads; i++) add_blind(r, C2_BLIND_ONE, r->head + i, 1);
  return C2_OK;
}

c2_status c2_choose_arms(const c2_plan *plan, c2_results *r, c2_error *err) {
  size_t n = r->perf_radii.count;
  if (n == 0) return C2_OK;
  for (size_t i = 0; i < n; i++) {
    if (r->perf_radii.at[i] == plan->verdict_radius) r->verdict = i;
  }
  C2_TRY(c2_pool_alloc(&r->tasks.pool, 4 * n + 7 + r->layers * r->heads, sizeof *r->arm, &r->arm, err));
  add(r, false, CHRONOS2_FULL, (double)NAN, true);
  add_radii(r, false, CHRONOS2_WINDOWED_FUTURE_GLOBAL, true);
  bool blind = plan->blind_arm && !has_infinite_radius(r);
  if (blind) add(r, false, CHRONOS2_WINDOWED_FUTURE_GLOBAL, (double)INFINITY, false);
  if (plan->visible_arms) add_pattern(r, CHRONOS2_WINDOWED_FUTURE_VISIBLE);
  if (plan->null_arms) add_pattern(r, CHRONOS2_WINDOWED_FUTURE_NULL);
  if (plan->sparse_model_folder) {
    add(r, true, CHRONOS2_FULL, (double)NAN, false);
    add_radii(r, true, CHRONOS2_WINDOWED_FUTURE_GLOBAL, false);
  }
  return plan->ablate.count || plan->find_sinks ? add_heads(plan, r, err) : C2_OK;
}

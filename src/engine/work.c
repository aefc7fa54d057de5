/* Floating-point operations of a fused pass, from its token plan: what the pattern asks for, before tiles are rounded
 * up. A multiply-add is two. */
#include "engine/layout.h"

/* Key-query pairs of time attention under ranges of keys [tokens], of all tokens and of future ones. */
static void count_pairs(const c2_layout *l, const c2_range *ranges, size_t patches, double *all, double *future) {
  *all = *future = 0;
  for (size_t r = 0; r < l->rows; r++) {
    for (uint32_t t = l->row_first[r]; t < l->row_first[r + 1]; t++) {
      const c2_range *range = &ranges[t];
      double keys = (double)(range->last - range->first) + (double)(range->last2 - range->first2);
      *all += keys;
      if (t + patches >= l->row_first[r + 1]) *future += keys;
    }
  }
}

static double group_work(const chronos2_config *c, const c2_cells *cells, double tokens, double grouped) {
  double d = (double)c->d_model;
  double inner = (double)(c->heads * c->d_kv);
  double pairs = 0;
  for (size_t i = 0; i < cells->count; i++) {
    double members = (double)(cells->first[i + 1] - cells->first[i]);
    pairs += members * members;
  }
  return grouped * 8 * d * inner + pairs * 4 * inner + (tokens - grouped) * 2 * d * d;
}

/* Pairs that blind heads leave out, each head's counted. Queries of future tokens see all. */
static double blind_pairs(const c2_layout *l, const chronos2_config *c, size_t patches, const bool *blind,
                          size_t layers, double all) {
  double left = 0;
  double future = 0;
  double heads = 0;
  if (!l->blinded) return 0;
  count_pairs(l, l->blind_range, patches, &left, &future);
  for (size_t i = 0; i < layers * c->heads; i++) heads += blind[i] ? 1 : 0;
  return heads * (all - left);
}

void c2_layout_work(const c2_layout *l, const chronos2_config *c, size_t patches, const bool *blind, bool hidden,
                    chronos2_work *sum) {
  double d = (double)c->d_model;
  double inner = (double)(c->heads * c->d_kv);
  double f = (double)c->d_ff;
  double in = (double)(3 * c->patch);
  double out = (double)(c->quantiles * c->patch);
  double tokens = (double)l->tokens;
  double future = (double)l->future_tokens;
  size_t layers = c->layers - (hidden ? 0 : 1); /* of all tokens; one more goes on with future tokens only */
  double below = (double)layers;
  double pairs = 0;
  double future_pairs = 0;
  count_pairs(l, l->range, patches, &pairs, &future_pairs);
  sum->embed += (tokens - (double)l->rows) * 2 * (in * f + f * d + in * d);
  sum->time_projection += below * tokens * 8 * d * inner;
  sum->time_attention += below * pairs * 4 * inner;
  sum->time_attention -= blind_pairs(l, c, patches, blind, layers, pairs) * 4 * (double)c->d_kv;
  sum->group_attention += below * group_work(c, &l->all, tokens, (double)l->grouped_tokens);
  sum->feed_forward += below * tokens * 4 * d * f;
  if (hidden) return;
  sum->time_projection += (tokens + future) * 4 * d * inner;
  sum->time_attention += future_pairs * 4 * inner;
  sum->group_attention += group_work(c, &l->future, future, (double)l->grouped_future);
  sum->feed_forward += future * 4 * d * f;
  sum->head += future * 2 * (d * f + f * out + d * out);
}

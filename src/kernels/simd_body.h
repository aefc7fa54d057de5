/* The kernels' bodies, written once over a vector type and compiled once for each instruction set by
 * the file that defines the type, its wrappers and the tile sizes:
 *
 *   vec, WIDTH                lanes of one register, a power of two
 *   TILE, SPAN                a GEMM tile is TILE rows by SPAN registers of accumulators
 *   v_load v_store v_set1 v_add v_sub v_mul v_max v_fma   (unaligned; v_fma(a, b, c) = a b + c)
 *   v_sum v_top               horizontal sum and maximum, in a fixed order
 *   v_round v_scale2          to the nearest integer; x * 2^n for integral n
 *   v_keep_above(x, limit, y) lanes of y where x >= limit, else 0
 */

#define INLINE static inline __attribute__((always_inline))

/* Rows x SPAN registers of accumulators over the whole depth. `rows` is a constant at each call site,
 * so the loops unroll and the accumulators stay in registers. */
INLINE void tile(const c2_gemm *g, const float *a, const float *panel, float *c, const float *bias, int rows) {
  vec acc[TILE][SPAN];
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++) {
#pragma GCC unroll 4
    for (int s = 0; s < SPAN; s++) acc[i][s] = v_set1(0.0f);
  }
  size_t depth = g->depth;
  size_t stride = g->a_stride;
  for (size_t k = 0; k < depth; k++) {
    vec b[SPAN];
#pragma GCC unroll 4
    for (int s = 0; s < SPAN; s++) b[s] = v_load(panel + k * C2_PANEL + (size_t)s * WIDTH);
#pragma GCC unroll 16
    for (int i = 0; i < rows; i++) {
      vec x = v_set1(a[(size_t)i * stride + k]);
#pragma GCC unroll 4
      for (int s = 0; s < SPAN; s++) acc[i][s] = v_fma(x, b[s], acc[i][s]);
    }
  }
#pragma GCC unroll 16
  for (int i = 0; i < rows; i++) {
#pragma GCC unroll 4
    for (int s = 0; s < SPAN; s++) {
      float *at = c + (size_t)i * g->c_stride + (size_t)s * WIDTH;
      vec value = acc[i][s];
      if (bias) value = v_add(value, v_load(bias + (size_t)s * WIDTH));
      if (g->accumulate) value = v_add(v_load(at), value);
      if (g->relu) value = v_max(value, v_set1(0.0f));
      v_store(at, value);
    }
  }
}

/* The tail of a matrix: fewer rows than a tile. */
static void tile_rows(const c2_gemm *g, const float *a, const float *panel, float *c, const float *bias, size_t rows) {
  switch (rows) {
    case 1: tile(g, a, panel, c, bias, 1); break;
    case 2: tile(g, a, panel, c, bias, 2); break;
    case 3: tile(g, a, panel, c, bias, 3); break;
    case 4: tile(g, a, panel, c, bias, 4); break;
    case 5: tile(g, a, panel, c, bias, 5); break;
#if TILE > 6
    case 6: tile(g, a, panel, c, bias, 6); break;
    case 7: tile(g, a, panel, c, bias, 7); break;
    case 8: tile(g, a, panel, c, bias, 8); break;
    case 9: tile(g, a, panel, c, bias, 9); break;
    case 10: tile(g, a, panel, c, bias, 10); break;
    case 11: tile(g, a, panel, c, bias, 11); break;
    case 12: tile(g, a, panel, c, bias, 12); break;
    case 13: tile(g, a, panel, c, bias, 13); break;
#endif
    default: tile(g, a, panel, c, bias, TILE); break;
  }
}

static void gemm_block(const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel) {
  for (size_t p = first_panel; p < last_panel; p++) {
    for (size_t part = 0; part < C2_PANEL; part += SPAN * WIDTH) {
      const float *panel = g->b + p * g->b_stride + part;
      size_t column = p * C2_PANEL + part;
      const float *bias = g->bias ? g->bias + column : NULL;
      for (size_t i = 0; i < rows; i += TILE) {
        const float *a = g->a + i * g->a_stride;
        float *c = g->c + i * g->c_stride + column;
        if (rows - i >= TILE) {
          tile(g, a, panel, c, bias, TILE);
        } else {
          tile_rows(g, a, panel, c, bias, rows - i);
        }
      }
    }
  }
}

/* Long sums are added up in blocks, as C2_DEPTH_BLOCK says. */
static void gemm(const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel) {
  c2_gemm part = *g;
  for (size_t k = 0; k == 0 || k < g->depth; k += C2_DEPTH_BLOCK) {
    bool last = g->depth - k <= C2_DEPTH_BLOCK;
    part.a = g->a + k;
    part.b = g->b + k * C2_PANEL;
    part.depth = last ? g->depth - k : C2_DEPTH_BLOCK;
    part.accumulate = g->accumulate || k > 0;
    part.bias = last ? g->bias : NULL;
    part.relu = last && g->relu;
    gemm_block(&part, rows, first_panel, last_panel);
  }
}

/* exp(x) for x <= 88, exactly 1 at 0 and exactly 0 below -87.3: x = n ln 2 + r with |r| <= ln 2 / 2,
 * and a degree-6 polynomial for exp(r) (coefficients: Cephes' expf). About 1e-7 relative. */
INLINE vec v_exp(vec x) {
  vec n = v_round(v_mul(x, v_set1(1.44269504088896341f)));
  vec r = v_fma(n, v_set1(-0.693359375f), x);
  r = v_fma(n, v_set1(2.12194440e-4f), r);
  vec p = v_set1(1.9875691500e-4f);
  p = v_fma(p, r, v_set1(1.3981999507e-3f));
  p = v_fma(p, r, v_set1(8.3334519073e-3f));
  p = v_fma(p, r, v_set1(4.1665795894e-2f));
  p = v_fma(p, r, v_set1(1.6666665459e-1f));
  p = v_fma(p, r, v_set1(5.0000001201e-1f));
  p = v_fma(p, v_mul(r, r), r);
  p = v_add(p, v_set1(1.0f));
  return v_keep_above(x, -87.3f, v_scale2(p, n));
}

static float exp_one(float x) {
  float lanes[WIDTH];
  v_store(lanes, v_exp(v_set1(x)));
  return lanes[0];
}

static void softmax(const c2_softmax *s) {
  for (size_t i = 0; i < s->rows; i++) {
    float *row = s->scores + i * s->stride;
    size_t first = s->first[i];
    size_t last = s->last[i];
    for (size_t j = 0; j < first; j++) row[j] = -INFINITY;
    for (size_t j = last; j < s->columns; j++) row[j] = -INFINITY;
    vec tops = v_set1(s->maximum[i]);
    for (size_t j = 0; j < s->columns; j += WIDTH) tops = v_max(tops, v_load(row + j));
    float top = v_top(tops);
    s->correction[i] = top == s->maximum[i] ? 1.0f : exp_one(s->maximum[i] - top);
    s->maximum[i] = top;
    vec sums = v_set1(0.0f);
    vec shift = v_set1(top == -INFINITY ? 0.0f : top); /* nothing visible: -inf - 0, not -inf + inf */
    for (size_t j = 0; j < s->columns; j += WIDTH) {
      vec e = v_exp(v_sub(v_load(row + j), shift));
      v_store(row + j, e);
      sums = v_add(sums, e);
    }
    s->sum[i] = s->sum[i] * s->correction[i] + v_sum(sums);
  }
}

static void rms_norm(float *out, size_t out_stride, const float *x, size_t x_stride, const float *weight, size_t n,
                     size_t rows, float epsilon) {
  size_t whole = n / WIDTH * WIDTH;
  for (size_t i = 0; i < rows; i++, out += out_stride, x += x_stride) {
    vec sums = v_set1(0.0f);
    for (size_t j = 0; j < whole; j += WIDTH) {
      vec v = v_load(x + j);
      sums = v_fma(v, v, sums);
    }
    float sum = v_sum(sums);
    for (size_t j = whole; j < n; j++) sum += x[j] * x[j];
    float scale = 1.0f / sqrtf(sum / (float)n + epsilon);
    vec scales = v_set1(scale);
    for (size_t j = 0; j < whole; j += WIDTH) {
      v_store(out + j, v_mul(v_load(weight + j), v_mul(v_load(x + j), scales)));
    }
    for (size_t j = whole; j < n; j++) out[j] = weight[j] * (x[j] * scale);
  }
}

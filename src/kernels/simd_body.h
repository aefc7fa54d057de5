/* The kernels' bodies, written once over a vector type and compiled once for each instruction set by
 * the file that defines the type, its wrappers and the tile sizes:
 *
 *   vec, WIDTH                lanes of one register, a power of two
 *   TILE, SPAN                a GEMM tile is TILE rows by SPAN registers of accumulators
 *   v_set1 v_max v_fma        (v_fma(a, b, c) = a b + c)
 *   v_sum v_top               horizontal sum and maximum, in a fixed order
 *   v_round v_scale2          to the nearest integer; x * 2^n for integral n
 *   v_keep_above(x, limit, y) lanes of y where x >= limit, else 0
 *
 * and for the narrow types, by words of 32 bits in an integer register:
 *
 *   ivec, i_to_float
 *   NATIVE_BF16: v_dot_bf16(c, x, y), v_store_bf16; else bf16 is widened here
 *   NATIVE_INT8: i_dot(c, x, y), v_store_bytes; else bytes are widened here to pairs of int16, with
 *   i_madd(c, x, y) over such pairs, and v_store_pairs, which writes a row in the order of i_even and i_odd
 *   INT8_ZERO: with NATIVE_INT8, what stands for 0 in A: 128 where i_dot takes x as unsigned, else 0
 *   NARROW_ATTENTION: 1 with NATIVE_BF16 and i_dot16(c, x, y) over pairs of int16, v_store_int16, and v_put_bf16, which
 *   stores as v_store_bf16 does and returns what it stored; else undefined
 *   AHEAD: 1 if a product fetches panels ahead of their use; undefined, it leaves that to the processor
 *   GEMM_BF16, GEMM_INT8: names of the file's own products, if it has them, which it defines beside this body
 *
 * The file ends with C2_KERNELS, which makes the table.
 */

#ifndef AHEAD
#define AHEAD 0
#endif
#ifndef NARROW_ATTENTION
#define NARROW_ATTENTION 0
#endif
#define INLINE static inline __attribute__((always_inline))

/* Elements of A, and how many of them meet a word of B. */
#ifdef NATIVE_BF16
typedef uint16_t a_bf16;
#else
typedef float a_bf16;
#endif
#ifdef NATIVE_INT8
typedef uint8_t a_int8;
#else
typedef int16_t a_int8;
#endif
static const size_t a_size[C2_TYPES] = {sizeof(float), sizeof(a_bf16), sizeof(a_int8)};

/* What compilers know of any vector. */
typedef uint32_t vec_u32 __attribute__((vector_size(sizeof(ivec))));
typedef int16_t vec_i16 __attribute__((vector_size(sizeof(ivec))));

INLINE vec v_load(const float *p) {
  vec x;
  __builtin_memcpy(&x, p, sizeof x);
  return x;
}
INLINE void v_store(float *p, vec x) {
  __builtin_memcpy(p, &x, sizeof x);
}
INLINE vec v_add(vec a, vec b) {
  return a + b;
}
INLINE vec v_sub(vec a, vec b) {
  return a - b;
}
INLINE vec v_mul(vec a, vec b) {
  return a * b;
}
INLINE ivec i_zero(void) {
  return (ivec)(vec_u32){0};
}
INLINE ivec i_load(const void *p) {
  ivec x;
  __builtin_memcpy(&x, p, sizeof x);
  return x;
}
/* A word in all lanes. */
INLINE ivec i_word(const void *p) {
  uint32_t word;
  __builtin_memcpy(&word, p, sizeof word);
  return (ivec)((vec_u32){0} + word);
}

#ifndef NATIVE_BF16
/* The halves of words as floats. */
INLINE vec v_low(ivec x) {
  return (vec)((vec_u32)x << 16);
}
INLINE vec v_high(ivec x) {
  return (vec)((vec_u32)x & 0xffff0000u);
}
/* to the nearest, ties to the even one */
INLINE vec v_round_bf16(vec x) {
  vec_u32 bits = (vec_u32)x;
  return v_high((ivec)(bits + ((bits >> 16 & 1) + 0x7fff)));
}
#endif

#ifndef NATIVE_INT8
/* The bytes of words as pairs of int16. */
INLINE ivec i_even(ivec x) {
  return (ivec)(((vec_i16)x << 8) >> 8);
}
INLINE ivec i_odd(ivec x) {
  return (ivec)((vec_i16)x >> 8);
}
#endif

#define EACH_ROW _Pragma("GCC unroll 16") for (int i = 0; i < rows; i++)
#define EACH_SPAN _Pragma("GCC unroll 4") for (int s = 0; s < SPAN; s++)

/* The sums of rows x SPAN registers over the whole depth. `rows` is a constant at each call site, so the loops
 * unroll and the accumulators stay in registers. */
INLINE void sum_fp32(vec acc[TILE][SPAN], const float *a, size_t stride, const float *panel, size_t depth, int rows) {
  for (size_t k = 0; k < depth; k++) {
    vec b[SPAN];
    EACH_SPAN b[s] = v_load(panel + k * C2_PANEL + (size_t)s * WIDTH);
    EACH_ROW {
      vec x = v_set1(a[(size_t)i * stride + k]);
      EACH_SPAN acc[i][s] = v_fma(x, b[s], acc[i][s]);
    }
  }
}

/* The odd term before the even one, as VDPBF16PS does. Products of bf16 are exact in float32. */
INLINE void sum_bf16(vec acc[TILE][SPAN], const a_bf16 *a, size_t stride, const float *panel, size_t depth, int rows) {
  for (size_t k = 0; k < depth; k += 2, panel += C2_PANEL) {
#ifdef NATIVE_BF16
    ivec b[SPAN];
    EACH_SPAN b[s] = i_load(panel + (size_t)s * WIDTH);
    EACH_ROW {
      ivec x = i_word(a + (size_t)i * stride + k);
      EACH_SPAN acc[i][s] = v_dot_bf16(acc[i][s], x, b[s]);
    }
#else
    vec b[SPAN];
    EACH_SPAN b[s] = v_high(i_load(panel + (size_t)s * WIDTH));
    EACH_ROW {
      vec x = v_set1(a[(size_t)i * stride + k + 1]);
      EACH_SPAN acc[i][s] = v_fma(x, b[s], acc[i][s]);
    }
    EACH_SPAN b[s] = v_low(i_load(panel + (size_t)s * WIDTH));
    EACH_ROW {
      vec x = v_set1(a[(size_t)i * stride + k]);
      EACH_SPAN acc[i][s] = v_fma(x, b[s], acc[i][s]);
    }
#endif
  }
}

INLINE void sum_int8(ivec acc[TILE][SPAN], const a_int8 *a, size_t stride, const float *panel, size_t depth, int rows) {
  for (size_t k = 0; k < depth; k += 4, panel += C2_PANEL) {
    ivec b[SPAN];
#ifdef NATIVE_INT8
    EACH_SPAN b[s] = i_load(panel + (size_t)s * WIDTH);
    EACH_ROW {
      ivec x = i_word(a + (size_t)i * stride + k);
      EACH_SPAN acc[i][s] = i_dot(acc[i][s], x, b[s]);
    }
#else
    EACH_SPAN b[s] = i_even(i_load(panel + (size_t)s * WIDTH));
    EACH_ROW {
      ivec x = i_word(a + (size_t)i * stride + k);
      EACH_SPAN acc[i][s] = i_madd(acc[i][s], x, b[s]);
    }
    EACH_SPAN b[s] = i_odd(i_load(panel + (size_t)s * WIDTH));
    EACH_ROW {
      ivec x = i_word(a + (size_t)i * stride + k + 2);
      EACH_SPAN acc[i][s] = i_madd(acc[i][s], x, b[s]);
    }
#endif
  }
}

#if NARROW_ATTENTION
INLINE void sum_int16(ivec acc[TILE][SPAN], const int16_t *a, size_t stride, const float *panel, size_t depth,
                      int rows) {
  for (size_t k = 0; k < depth; k += 2, panel += C2_PANEL) {
    ivec b[SPAN];
    EACH_SPAN b[s] = i_load(panel + (size_t)s * WIDTH);
    EACH_ROW {
      ivec x = i_word(a + (size_t)i * stride + k);
      EACH_SPAN acc[i][s] = i_dot16(acc[i][s], x, b[s]);
    }
  }
}
#endif

/* Finishes a register of sums, exact ones of integers or float32: row `row` of C, columns from j on. */
INLINE void finish(c2_type t, const c2_gemm *g, size_t row, size_t j, vec value, ivec sum) {
  float *to = g->c + row * g->c_stride + j;
  if (t == C2_TYPE_INT8 || t == C2_TYPE_INT16) {
#if defined(NATIVE_INT8) && INT8_ZERO
    if (t == C2_TYPE_INT8) sum -= i_load(g->b.shift + j);
#endif
    value = v_mul(i_to_float(sum), v_load(g->b.scale + j));
    value = v_fma(value, v_set1(g->a.scale[row]), g->bias ? v_load(g->bias + j) : v_set1(0.0f));
  } else if (g->bias) {
    value = v_add(value, v_load(g->bias + j));
  }
  if (g->accumulate) value = v_add(v_load(to), value);
  if (g->relu) value = v_max(value, v_set1(0.0f));
  v_store(to, value);
}

/* A's rows from `row` on by SPAN registers of columns from `column` on, whose words begin at `panel`. */
INLINE void tile(c2_type t, const c2_gemm *g, size_t row, const float *panel, size_t column, int rows) {
  vec acc[TILE][SPAN];
  ivec exact[TILE][SPAN];
  EACH_ROW {
    EACH_SPAN {
      acc[i][s] = v_set1(0.0f);
      exact[i][s] = i_zero();
    }
  }
  size_t at = row * g->a.stride;
  if (t == C2_TYPE_FP32) sum_fp32(acc, (const float *)g->a.data + at, g->a.stride, panel, g->depth, rows);
  if (t == C2_TYPE_BF16) sum_bf16(acc, (const a_bf16 *)g->a.data + at, g->a.stride, panel, g->depth, rows);
  if (t == C2_TYPE_INT8) sum_int8(exact, (const a_int8 *)g->a.data + at, g->a.stride, panel, g->depth, rows);
#if NARROW_ATTENTION
  if (t == C2_TYPE_INT16) sum_int16(exact, (const int16_t *)g->a.data + at, g->a.stride, panel, g->depth, rows);
#endif
  EACH_ROW {
    EACH_SPAN finish(t, g, row + (size_t)i, column + (size_t)s * WIDTH, acc[i][s], exact[i][s]);
  }
}

_Static_assert(TILE <= 16, "tile_rows has a case for each number of rows below 16");

/* The tail of a matrix: fewer rows than a tile. */
INLINE void tile_rows(c2_type t, const c2_gemm *g, size_t row, const float *panel, size_t column, size_t rows) {
#define TAIL(n) \
  case n: \
    if (n < TILE) tile(t, g, row, panel, column, n); \
    break;
  switch (rows) {
    TAIL(1) TAIL(2) TAIL(3) TAIL(4) TAIL(5) TAIL(6) TAIL(7) TAIL(8)
    TAIL(9) TAIL(10) TAIL(11) TAIL(12) TAIL(13) TAIL(14) TAIL(15)
  }
#undef TAIL
}

/* Cache lines of the next panel that each tile of this one fetches, so that they come evenly while it is computed. Few
 * tiles can't hide that, and for them the prefetching itself counts. */
INLINE size_t lines_ahead(c2_type t, const c2_gemm *g, size_t rows) {
  enum { LEAST_TILES = 4, LINE = 16 };
  size_t tiles = (rows + TILE - 1) / TILE * (C2_PANEL / (SPAN * WIDTH));
  if (!AHEAD || rows < LEAST_TILES * TILE) return 0;
  return c2_panel_words(t, g->depth) / LINE / tiles; /* rounded down: never beyond the panel */
}

INLINE void gemm_block(c2_type t, const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel) {
  size_t lines = lines_ahead(t, g, rows);
  for (size_t p = first_panel; p < last_panel; p++) {
    const char *next = (const char *)((const float *)g->b.data + (p + 1 < last_panel ? p + 1 : p) * g->b.stride);
    for (size_t part = 0; part < C2_PANEL; part += SPAN * WIDTH) {
      const float *panel = (const float *)g->b.data + p * g->b.stride + part;
      size_t column = p * C2_PANEL + part;
      for (size_t i = 0; i < rows; i += TILE) {
        for (size_t l = 0; l < lines; l++, next += 64) __builtin_prefetch(next);
        if (rows - i >= TILE) {
          tile(t, g, i, panel, column, TILE);
        } else {
          tile_rows(t, g, i, panel, column, rows - i);
        }
      }
    }
  }
}

typedef void (*block_fn)(c2_type t, const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel);

/* Long sums are added up in blocks, as C2_DEPTH_BLOCK says. */
INLINE void gemm_blocks(c2_type t, const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel,
                        block_fn block) {
  c2_gemm part = *g;
  for (size_t k = 0; k == 0 || k < g->depth; k += C2_DEPTH_BLOCK) {
    bool last = g->depth - k <= C2_DEPTH_BLOCK;
    part.a.data = (char *)g->a.data + k * a_size[t];
    part.b.data = (float *)g->b.data + k / c2_word_terms(t) * C2_PANEL;
    part.depth = last ? g->depth - k : C2_DEPTH_BLOCK;
    part.accumulate = g->accumulate || k > 0;
    part.bias = last ? g->bias : NULL;
    part.relu = last && g->relu;
    block(t, &part, rows, first_panel, last_panel);
  }
}

static void gemm_fp32(const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel) {
  gemm_blocks(C2_TYPE_FP32, g, rows, first_panel, last_panel, gemm_block);
}

#ifndef GEMM_BF16
#define GEMM_BF16 gemm_bf16
static void gemm_bf16(const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel) {
  gemm_blocks(C2_TYPE_BF16, g, rows, first_panel, last_panel, gemm_block);
}
#endif

#ifndef GEMM_INT8
#define GEMM_INT8 gemm_int8
/* Integer sums are exact at any length. */
static void gemm_int8(const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel) {
  gemm_block(C2_TYPE_INT8, g, rows, first_panel, last_panel);
}
#endif

static void gemm(const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel) {
  if (g->b.type == C2_TYPE_FP32) gemm_fp32(g, rows, first_panel, last_panel);
  if (g->b.type == C2_TYPE_BF16) GEMM_BF16(g, rows, first_panel, last_panel);
  if (g->b.type == C2_TYPE_INT8) GEMM_INT8(g, rows, first_panel, last_panel);
#if NARROW_ATTENTION
  if (g->b.type == C2_TYPE_INT16) gemm_block(C2_TYPE_INT16, g, rows, first_panel, last_panel);
#endif
}

/* WIDTH elements of a row of n from j on, zeros beyond its end. */
INLINE vec load_row(const float *x, size_t j, size_t n) {
  if (j + WIDTH <= n) return v_load(x + j);
  float lanes[WIDTH] = {0};
  for (size_t l = 0; j + l < n; l++) lanes[l] = x[j + l];
  return v_load(lanes);
}

static void round_bf16(const c2_operand *out, const float *x, size_t x_stride, size_t n, size_t rows) {
  a_bf16 *to = out->data;
  for (size_t i = 0; i < rows; i++, to += out->stride, x += x_stride) {
    for (size_t j = 0; j < n; j += WIDTH) {
      vec v = load_row(x, j, n);
#ifdef NATIVE_BF16
      v_store_bf16(to + j, v);
#else
      v_store(to + j, v_round_bf16(v));
#endif
    }
  }
}

static void round_int8(const c2_operand *out, const float *x, size_t x_stride, size_t n, size_t rows) {
  a_int8 *to = out->data;
  for (size_t i = 0; i < rows; i++, to += out->stride, x += x_stride) {
    vec tops = v_set1(0.0f);
    vec nothing = v_set1(0.0f); /* or NaN, which a maximum may drop */
    for (size_t j = 0; j < n; j += WIDTH) {
      vec v = load_row(x, j, n);
      tops = v_max(tops, v_max(v, v_sub(v_set1(0.0f), v)));
      nothing = v_fma(v, v_set1(0.0f), nothing);
    }
    float top = v_top(tops) + v_sum(nothing);
    out->scale[i] = top / 127.0f;
    vec inverse = v_set1(top > C2_QUANTIZE_LEAST ? 127.0f / top : 0.0f);
    for (size_t j = 0; j < n; j += WIDTH) {
      vec q = v_round(v_mul(load_row(x, j, n), inverse));
#ifdef NATIVE_INT8
      v_store_bytes(to + j, v_add(q, v_set1((float)INT8_ZERO)));
#else
      v_store_pairs(to + j, q);
#endif
    }
  }
}

#if NARROW_ATTENTION
static void round_int16(const c2_operand *out, const float *x, size_t x_stride, size_t n, size_t rows) {
  int16_t *to = out->data;
  for (size_t i = 0; i < rows; i++, to += out->stride, x += x_stride) {
    vec squares = v_set1(0.0f);
    for (size_t j = 0; j < n; j += WIDTH) {
      vec v = load_row(x, j, n);
      squares = v_fma(v, v, squares);
    }
    float length = sqrtf(v_sum(squares));
    out->scale[i] = length / C2_INT16_LENGTH;
    vec inverse = v_set1(length > C2_QUANTIZE_LEAST ? C2_INT16_LENGTH / length : 0.0f);
    for (size_t j = 0; j < n; j += WIDTH) v_store_int16(to + j, v_mul(load_row(x, j, n), inverse));
    for (size_t j = n; j % C2_PANEL > 0; j++) to[j] = 0;
  }
}
#endif

static void round_rows(const c2_operand *to, const float *x, size_t x_stride, size_t n, size_t rows) {
  if (to->type == C2_TYPE_BF16) round_bf16(to, x, x_stride, n, rows);
  if (to->type == C2_TYPE_INT8) round_int8(to, x, x_stride, n, rows);
#if NARROW_ATTENTION
  if (to->type == C2_TYPE_INT16) round_int16(to, x, x_stride, n, rows);
#endif
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
#if NARROW_ATTENTION
      if (s->bf16) e = v_put_bf16(s->bf16 + i * s->stride + j, e);
#endif
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
    float scale = isinf(sum) ? NAN : 1.0f / sqrtf(sum / (float)n + epsilon); /* not 0, or the row would be finite */
    vec scales = v_set1(scale);
    for (size_t j = 0; j < whole; j += WIDTH) {
      v_store(out + j, v_mul(v_load(weight + j), v_mul(v_load(x + j), scales)));
    }
    for (size_t j = whole; j < n; j++) out[j] = weight[j] * (x[j] * scale);
  }
}

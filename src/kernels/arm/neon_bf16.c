/* NEON with BFMMLA and SMMLA, which multiply two rows of A by two columns of B, two words of each. BFMMLA rounds a sum
 * as no other level does (Arm ARM, BFMatMulAdd), so bf16 has bits of its own here. */
#define NATIVE_INT8
#define NATIVE_BF16
#include "kernels/arm/neon.h"

#define GEMM_BF16 mmla_bf16
#define GEMM_INT8 mmla_int8
static void mmla_bf16(const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel);
static void mmla_int8(const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel);
#include "kernels/simd_body.h"

/* A tile: four pairs of rows by four pairs of columns. With more accumulators gcc 12 keeps some in memory. */
enum { PAIRS = 4, COLUMNS = 8 };

#define EACH_PAIR _Pragma("GCC unroll 4") for (int i = 0; i < pairs; i++)
#define EACH_COLUMNS _Pragma("GCC unroll 4") for (int j = 0; j < COLUMNS / 2; j++)

/* c [2][2] += x [2 rows][2 words] y [2 columns][2 words]; bf16: the bits of float32 */
INLINE ivec mmla(c2_type t, ivec c, ivec x, ivec y) {
  if (t == C2_TYPE_INT8) return vmmlaq_s32(c, vreinterpretq_s8_s32(x), vreinterpretq_s8_s32(y));
  return vreinterpretq_s32_f32(
      vbfmmlaq_f32(vreinterpretq_f32_s32(c), vreinterpretq_bf16_s32(x), vreinterpretq_bf16_s32(y)));
}

INLINE int32x2_t row_words(const void *p, size_t words) {
  int32_t first = 0;
  if (words == 2) return vreinterpret_s32_u8(vld1_u8(p));
  __builtin_memcpy(&first, p, sizeof first);
  return vset_lane_s32(first, vdup_n_s32(0), 0);
}

/* Two rows by `words` words, 1 or 2, filled up with 0. */
INLINE ivec row_pair(const char *upper, const char *lower, size_t words) {
  return vcombine_s32(row_words(upper, words), row_words(lower, words));
}

/* The sums of one step, `words` words deep. at: the words of each row. */
INLINE void mmla_step(c2_type t, ivec acc[PAIRS][COLUMNS / 2], const char *const *at, const float *panel, size_t k,
                      size_t words, int pairs) {
  ivec b[COLUMNS / 2];
  for (int j = 0; j < COLUMNS / 2; j += 2) {
    ivec upper = i_load(panel + k * C2_PANEL + 2 * j);
    ivec lower = words == 2 ? i_load(panel + (k + 1) * C2_PANEL + 2 * j) : i_zero();
    b[j] = vzip1q_s32(upper, lower);
    b[j + 1] = vzip2q_s32(upper, lower);
  }
  EACH_PAIR {
    ivec x = row_pair(at[2 * i] + k * sizeof *panel, at[2 * i + 1] + k * sizeof *panel, words);
    EACH_COLUMNS acc[i][j] = mmla(t, acc[i][j], x, b[j]);
  }
}

INLINE ivec upper_row(ivec left, ivec right) {
  return vreinterpretq_s32_s64(vzip1q_s64(vreinterpretq_s64_s32(left), vreinterpretq_s64_s32(right)));
}

INLINE ivec lower_row(ivec left, ivec right) {
  return vreinterpretq_s32_s64(vzip2q_s64(vreinterpretq_s64_s32(left), vreinterpretq_s64_s32(right)));
}

/* `rows` rows, of which the last pair may lack one: it is computed twice then, and written once. */
INLINE void mmla_tile(c2_type t, const c2_gemm *g, size_t row, size_t rows, const float *panel, size_t column,
                      int pairs) {
  ivec acc[PAIRS][COLUMNS / 2];
  const char *at[2 * PAIRS];
  size_t words = (g->depth + c2_word_terms(t) - 1) / c2_word_terms(t);
  EACH_PAIR {
    size_t stride = g->a.stride * a_size[t];
    at[2 * i] = (const char *)g->a.data + (row + 2 * (size_t)i) * stride;
    at[2 * i + 1] = at[2 * i] + (2 * (size_t)i + 1 < rows ? stride : 0);
    EACH_COLUMNS acc[i][j] = i_zero();
  }
  size_t k = 0;
  for (; k + 2 <= words; k += 2) mmla_step(t, acc, at, panel, k, 2, pairs);
  if (k < words) mmla_step(t, acc, at, panel, k, 1, pairs);
  EACH_PAIR {
    for (int j = 0; j < COLUMNS / 2; j += 2) {
      size_t to = column + 2 * (size_t)j;
      ivec sum = upper_row(acc[i][j], acc[i][j + 1]);
      finish(t, g, row + 2 * (size_t)i, to, vreinterpretq_f32_s32(sum), sum);
      if (2 * (size_t)i + 1 == rows) continue;
      sum = lower_row(acc[i][j], acc[i][j + 1]);
      finish(t, g, row + 2 * (size_t)i + 1, to, vreinterpretq_f32_s32(sum), sum);
    }
  }
}

INLINE void mmla_block(c2_type t, const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel) {
  for (size_t p = first_panel; p < last_panel; p++) {
    for (size_t part = 0; part < C2_PANEL; part += COLUMNS) {
      const float *panel = (const float *)g->b.data + p * g->b.stride + part;
      size_t column = p * C2_PANEL + part;
      for (size_t i = 0; i < rows; i += 2 * PAIRS) {
        size_t count = rows - i < 2 * PAIRS ? rows - i : 2 * PAIRS;
        switch ((count + 1) / 2) {
          case 1: mmla_tile(t, g, i, count, panel, column, 1); break;
          case 2: mmla_tile(t, g, i, count, panel, column, 2); break;
          case 3: mmla_tile(t, g, i, count, panel, column, 3); break;
          default: mmla_tile(t, g, i, count, panel, column, PAIRS); break;
        }
      }
    }
  }
}

static void mmla_bf16(const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel) {
  gemm_blocks(C2_TYPE_BF16, g, rows, first_panel, last_panel, mmla_block);
}

static void mmla_int8(const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel) {
  mmla_block(C2_TYPE_INT8, g, rows, first_panel, last_panel);
}

C2_KERNELS(c2_kernels_neon_bf16, "neon-bf16", TILE, 2 * PAIRS, 2 * PAIRS);

/* The kernels: the arithmetic that is worth a version for each instruction set, as a table of function pointers.
 *
 * A kernel knows no model, allocates nothing, starts no thread and cannot fail. The order in which it adds up one
 * output element depends on that element's own operands only, never on how many rows are computed with it. So results
 * are the same, bit for bit, whatever the batch and the threads.
 *
 * Matrices are row-major, with a stride in elements. The right operand B [depth][cols] of a product lies in
 * panels of 32-bit words: [ceil(cols / C2_PANEL)][ceil(depth / g)][C2_PANEL], where a word holds g consecutive
 * terms of one column: one float32, two bf16 or int16, or four int8. The last panel and the last words are padded with
 * zeros. Output rows are written in whole panels: their stride must hold the columns rounded up. */
#ifndef C2_KERNELS_H
#define C2_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  C2_PANEL = 32,        /* columns of a panel: two AVX-512 or four AVX2 registers */
  C2_MAX_TILE = 32,     /* most rows that any level's tile has */
  C2_DEPTH_BLOCK = 256, /* terms added up before their sum is added to the element: one long float32 sum loses digits */
  C2_INT8_DEPTH = 65536, /* most terms of an int8 sum: 255 * 127 * 65536 < 2^31 */
};

#define C2_QUANTIZE_LEAST 1e-30f /* its inverse is finite */
#define C2_INT16_LENGTH 32700.0f /* rounding makes a row of 16,000 terms longer by 64 at most: below 2^15 */

/* What the terms of a product are. Values as chronos2_dtype has them. int16 is for attention's scores alone. */
typedef enum c2_type { C2_TYPE_FP32, C2_TYPE_BF16, C2_TYPE_INT8, C2_TYPES, C2_TYPE_INT16 = C2_TYPES } c2_type;

/* Terms of a column that share a word of a panel. */
static inline size_t c2_word_terms(c2_type type) {
  return type == C2_TYPE_INT16 ? 2 : (size_t)1 << type;
}

/* Words of a panel `depth` terms deep. */
static inline size_t c2_panel_words(c2_type type, size_t depth) {
  return (depth + c2_word_terms(type) - 1) / c2_word_terms(type) * C2_PANEL;
}

/* One side of a product. A, the left one, is rows in the level's own form: float32 as they are, else what `round` of
 * the same level wrote. B, the right one, is panels. */
typedef struct c2_operand {
  c2_type type;
  void *data;
  size_t stride;  /* A: elements from one row to the next; B: words from one panel to the next */
  float *scale;   /* int8, int16: [rows] of A, [panels * C2_PANEL] of B: a number is its integer times this */
  int32_t *shift; /* int8, B: [panels * C2_PANEL] 128 times the sum of a column */
} c2_operand;

/* C = A B + bias, or C += A B + bias; then relu, row by row. A and B are of one type. */
typedef struct c2_gemm {
  c2_operand a; /* [rows][depth] */
  c2_operand b; /* [depth][panels * C2_PANEL] */
  size_t depth;
  float *c; /* [rows][panels * C2_PANEL] */
  size_t c_stride;
  const float *bias; /* [panels * C2_PANEL], or NULL */
  bool relu;
  bool accumulate;
} c2_gemm;

/* A tile of attention scores before and after its softmax. Row i may see columns [first[i], last[i]). */
typedef struct c2_softmax {
  float *scores; /* [rows][stride], in: scores, out: exp(score - maximum), 0 outside the range */
  size_t stride, rows;
  size_t columns; /* a multiple of C2_PANEL */
  const uint32_t *first, *last;
  float *maximum;    /* [rows] running maximum, updated */
  float *sum;        /* [rows] running sum, updated */
  float *correction; /* [rows] factor that earlier sums and outputs were multiplied by */
  uint16_t *bf16;    /* [rows][stride] NULL, or: weights are rounded to bf16 and written here too, and `sum` adds up the
                      * rounded ones. Needs narrow_attention */
} c2_softmax;

typedef struct c2_kernels {
  const char *name;      /* as --isa spells it: the levels of AVX-512 share theirs */
  size_t tile[C2_TYPES]; /* rows that `gemm` takes best, at most C2_MAX_TILE: attention's query tile */

  /* True if attention of a bf16 model multiplies queries by keys in int16 and weights by values in bf16; else all are
   * float32. Then `gemm` and `round` take int16 too, and rows of A are uint16_t or int16_t under both types. */
  bool narrow_attention;

  /* Rows [0, rows) by panels [first_panel, last_panel). float32 sums, exact ones under int8: there every level
   * gives the same bits, and so it does under bf16, AMX and neon-bf16 aside, as long as no number is subnormal. */
  void (*gemm)(const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel);

  /* Writes rows of n float32 as the left operand `to` of its type, but float32: at most four bytes an element, n
   * rounded up to a whole panel a row. int8: x = q scale[row], |q| <= 127: scale is the row's largest |x| / 127, and
   * rows below C2_QUANTIZE_LEAST become 0. int16: the row's length, the root of the sum of its x^2, becomes
   * C2_INT16_LENGTH, so that no sum of products of two rows overflows (Cauchy and Schwarz). */
  void (*round)(const c2_operand *to, const float *x, size_t x_stride, size_t n, size_t rows);

  /* One step of the online softmax (Milakov and Gimelshein 2018). */
  void (*softmax)(const c2_softmax *s);

  /* out[i] = weight[i] * x[i] / sqrt(mean(x^2) + epsilon), rows of n elements. */
  void (*rms_norm)(float *out, size_t out_stride, const float *x, size_t x_stride, const float *weight, size_t n,
                   size_t rows, float epsilon);
} c2_kernels;

/* The table of a file that defines all of them, under these names, and NARROW_ATTENTION as 0 or 1. */
#define C2_KERNELS(table, level, fp32_tile, bf16_tile, int8_tile)              \
  const c2_kernels table = {.name = level,                                     \
                            .tile = {fp32_tile, bf16_tile, int8_tile},         \
                            .narrow_attention = NARROW_ATTENTION,              \
                            .gemm = gemm,                                      \
                            .round = round_rows,                               \
                            .softmax = softmax,                                \
                            .rms_norm = rms_norm}

/* x [depth] becomes a column of the right operand `to`, rounded to its type. */
void c2_put_column(const c2_operand *to, size_t column, const float *x, size_t depth);

/* x [columns] becomes the given term of all columns of the float32 right operand `to`; those that fill the last panel
 * become 0. */
void c2_put_row(const c2_operand *to, size_t term, const float *x, size_t columns);

extern const c2_kernels c2_kernels_scalar;

/* An instruction set that kernels were built for. */
typedef struct c2_level {
  const c2_kernels *kernels;
  bool (*detect)(void);          /* true if the machine has it and the system lets this process use it; NULL: all do */
  bool (*taken)(c2_type type);   /* true if it is taken by itself for products of that type; NULL: for all */
  const char *product[C2_TYPES]; /* instructions that its products are made of, for the user to read */
} c2_level;

static inline bool c2_level_runs(const c2_level *level) {
  return !level->detect || level->detect();
}

/* The levels of this architecture, the lowest first; the last entry has no kernels. Each folder beside this file
 * (x86/, plain/) defines them for an architecture. */
extern const c2_level c2_levels[];

/* The highest level of that name that the machine has and that is taken for the type; of a name, else the highest at
 * all. NULL instead of a name means any. Returns NULL if there is none: never for NULL or "scalar". */
const c2_level *c2_level_find(const char *name, c2_type type);
const c2_kernels *c2_kernels_find(const char *name, c2_type type);

/* The same from the given levels, the lowest first. */
const c2_level *c2_level_choose(const c2_level *levels, const char *name, c2_type type);

/* True if this build has kernels of that name, whatever the machine has. */
bool c2_kernels_known(const char *name);

/* Names of the machine's levels, each once, the highest first; those that aren't taken for float32 come last. NULL
 * beyond the last. */
const char *c2_kernels_name(size_t index);

#endif

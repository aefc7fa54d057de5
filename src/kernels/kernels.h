/* The arithmetic that is worth a version per instruction set, one function pointer each.
 *
 * A kernel knows no model, allocates nothing, starts no thread and cannot fail. The order in which it
 * adds up one output element depends on that element's own operands only, never on how many rows are
 * computed with it: so results are the same, bit for bit, whatever the batch and the threads.
 *
 * Matrices are row-major, with a stride in elements. The right operand B [depth][cols] of a product lies in
 * panels of 32-bit words: [ceil(cols / C2_PANEL)][ceil(depth / g)][C2_PANEL], where a word holds g consecutive
 * terms of one column: one float32, two bf16 or four int8. The last panel and the last words are padded with zeros.
 * Output rows are written in whole panels: their stride must hold the columns rounded up. */
#ifndef C2_KERNELS_H
#define C2_KERNELS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  C2_PANEL = 32,        /* columns of a panel: two AVX-512 or four AVX2 registers */
  C2_MAX_TILE = 16,     /* most rows that any level's tile has */
  C2_DEPTH_BLOCK = 256, /* terms added up before their sum is added to the element: one long float32 sum loses digits */
  C2_INT8_DEPTH = 65536, /* most terms of an int8 sum: 255 * 127 * 65536 < 2^31 */
};

#define C2_QUANTIZE_LEAST 1e-30f /* its inverse is finite */

/* C = A B + bias, or C += A B + bias; then relu, row by row. */
typedef struct c2_gemm {
  const void *a; /* [rows][depth]: float32, or what round_bf16 or quantize of the same level wrote */
  size_t a_stride;
  const void *b;   /* panels */
  size_t b_stride; /* words from one panel to the next: ceil(depth / g) * C2_PANEL, or more */
  size_t depth;
  float *c; /* [rows][panels * C2_PANEL] */
  size_t c_stride;
  const float *bias; /* [panels * C2_PANEL], or NULL */
  bool relu;
  bool accumulate;
  /* int8 only: C = (A B) a_scale b_scale + ... */
  const float *a_scale;   /* [rows] */
  const float *b_scale;   /* [panels * C2_PANEL] */
  const int32_t *b_shift; /* likewise: 128 times the sum of a column of B */
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
} c2_softmax;

typedef struct c2_kernels {
  const char *name; /* as --isa spells it: the levels of AVX-512 share theirs */
  size_t tile;      /* rows that `gemm` takes best: attention's query tile */

  /* Rows [0, rows) by panels [first_panel, last_panel). float32 sums, exact ones under int8: there every level
   * gives the same bits, and so it does under bf16, AMX aside, as long as no number is subnormal. */
  void (*gemm)(const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel);
  void (*gemm_bf16)(const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel);
  void (*gemm_int8)(const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel);

  /* Left operands from float32 rows of n elements, in the level's own form: at most four bytes an element. A row
   * of `out` holds n rounded up to a whole panel. */
  void (*round_bf16)(void *out, size_t out_stride, const float *x, size_t x_stride, size_t n, size_t rows);
  /* x = q scale[row], |q| <= 127: scale is the row's largest |x| / 127. Rows below C2_QUANTIZE_LEAST become 0. */
  void (*quantize)(void *out, size_t out_stride, float *scale, const float *x, size_t x_stride, size_t n, size_t rows);

  /* One step of the online softmax (Milakov and Gimelshein 2018). */
  void (*softmax)(const c2_softmax *s);

  /* out[i] = weight[i] * x[i] / sqrt(mean(x^2) + epsilon), rows of n elements. */
  void (*rms_norm)(float *out, size_t out_stride, const float *x, size_t x_stride, const float *weight, size_t n,
                   size_t rows, float epsilon);
} c2_kernels;

extern const c2_kernels c2_kernels_scalar;

/* An instruction set that kernels were built for. */
typedef struct c2_level {
  const c2_kernels *kernels;
  bool (*detect)(void); /* true if the machine has it and the system lets this process use it */
  bool on_request;      /* taken by name only, never by itself */
} c2_level;

/* The levels of this architecture, the lowest first; the last entry has no kernels. Each folder beside this file
 * (x86/, plain/) defines them for an architecture. */
extern const c2_level c2_levels[];

/* The highest level of that name that the machine has. NULL instead of a name means any level that is not on request.
 * Returns NULL if there is none: never for NULL or "scalar". */
const c2_kernels *c2_kernels_find(const char *name);

/* True if this build has kernels of that name, whatever the machine has. */
bool c2_kernels_known(const char *name);

/* Names of the machine's levels, each once, the highest first; those on request come last. NULL beyond the last. */
const char *c2_kernels_name(size_t index);

#endif

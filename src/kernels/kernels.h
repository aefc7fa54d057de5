/* The arithmetic that is worth a version per instruction set, one function pointer each.
 *
 * A kernel knows no model, allocates nothing, starts no thread and cannot fail. The order in which it
 * adds up one output element depends on that element's own operands only, never on how many rows are
 * computed with it: so results are the same, bit for bit, whatever the batch and the threads.
 *
 * Matrices are float32, row-major, with a stride in floats. The right operand B [depth][cols] of a
 * product lies in panels: [ceil(cols / C2_PANEL)][depth][C2_PANEL], the last one padded with zeros.
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
};

/* C = A B + bias, or C += A B + bias; then relu, row by row. */
typedef struct c2_gemm {
  const float *a; /* [rows][depth] */
  size_t a_stride;
  const float *b;  /* panels */
  size_t b_stride; /* floats from one panel to the next: depth * C2_PANEL, or more */
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
} c2_softmax;

typedef struct c2_kernels {
  const char *name;
  size_t tile; /* rows that `gemm` takes best: attention's query tile */

  /* Rows [0, rows) by panels [first_panel, last_panel). */
  void (*gemm)(const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel);

  /* One step of the online softmax (Milakov and Gimelshein 2018). */
  void (*softmax)(const c2_softmax *s);

  /* out[i] = weight[i] * x[i] / sqrt(mean(x^2) + epsilon), rows of n elements. */
  void (*rms_norm)(float *out, size_t out_stride, const float *x, size_t x_stride, const float *weight, size_t n,
                   size_t rows, float epsilon);
} c2_kernels;

extern const c2_kernels c2_kernels_scalar;
#if defined(__x86_64__)
extern const c2_kernels c2_kernels_avx2;
extern const c2_kernels c2_kernels_avx512;
#endif

typedef enum c2_isa { C2_ISA_SCALAR = 1, C2_ISA_AVX2 = 2, C2_ISA_AVX512 = 3 } c2_isa;

/* Highest level of this machine: what CPUID reports and the system saves (XGETBV). */
c2_isa c2_isa_detect(void);

/* Kernels of the given level; the caller has checked that the machine has it. */
const c2_kernels *c2_kernels_of(c2_isa isa);

#endif

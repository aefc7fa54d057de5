/* What the machine and the matrix product reach, in one run, taking turns: a loop of fused multiply-adds that lives in
 * registers (the peak), the engine's packed kernels over the shapes of a layer, and OpenBLAS's sgemm where its shared
 * library is installed. bf16 and int8 products are given as multiples of the float32 peak; their own peaks are 2 and 4
 * times it where one instruction adds up two bf16 or four int8 products (AVX512_BF16, VNNI).
 *
 *     build/bench_peak [THREADS] [ROUNDS]        one JSON object a line
 *
 * A round times each of them once for at least 40 ms; figures are medians over the rounds, shares are taken within a
 * round. */
#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/platform.h"
#include "kernels/kernels.h"

enum { MOST_THREADS = 64, MOST_ROUNDS = 99, BLOCK = 112, SHAPES = 5, SKEW = 16 };

typedef struct shape {
  size_t rows, depth, columns;
} shape;

/* The products of a layer of the base shape, and its smallest. */
static const shape shapes[SHAPES] = {
    {512, 768, 3072}, {2048, 768, 3072}, {2048, 3072, 768}, {2048, 768, 768}, {64, 512, 512}};

typedef void (*sgemm_fn)(int order, int ta, int tb, int m, int n, int k, float alpha, const float *a, int lda,
                         const float *b, int ldb, float beta, float *c, int ldc);

typedef struct bench {
  size_t threads;
  const c2_kernels *kernels;
  sgemm_fn sgemm; /* NULL: no OpenBLAS */
  c2_type type;   /* of the product's operands */
  float *a, *b, *c;
  float *left;    /* A as bf16 or int8 */
  float *a_scale; /* [rows] */
  float *b_scale; /* [columns] */
  int32_t *b_shift;
  uint32_t *words; /* B as bf16 or int8 */
  shape shape;
} bench;

/* ---- The peak --------------------------------------------------------------------------------- */

enum { CHAINS = 12, LOOP = 1000000 };

#if defined(__x86_64__)
#include <immintrin.h>

__attribute__((target("avx512f"))) static float fma_avx512(void) {
  __m512 sum[CHAINS];
  __m512 x = _mm512_set1_ps(0.999f);
  __m512 y = _mm512_set1_ps(1e-3f);
  for (int i = 0; i < CHAINS; i++) sum[i] = _mm512_set1_ps((float)i);
  for (long k = 0; k < LOOP; k++) {
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++) sum[i] = _mm512_fmadd_ps(sum[i], x, y);
  }
  float total = 0;
  for (int i = 0; i < CHAINS; i++) total += _mm512_reduce_add_ps(sum[i]);
  return total;
}

__attribute__((target("avx2,fma"))) static float fma_avx2(void) {
  __m256 sum[CHAINS];
  __m256 x = _mm256_set1_ps(0.999f);
  __m256 y = _mm256_set1_ps(1e-3f);
  float total = 0;
  for (int i = 0; i < CHAINS; i++) sum[i] = _mm256_set1_ps((float)i);
  for (long k = 0; k < LOOP; k++) {
#pragma GCC unroll 12
    for (int i = 0; i < CHAINS; i++) sum[i] = _mm256_fmadd_ps(sum[i], x, y);
  }
  for (int i = 0; i < CHAINS; i++) {
    float lane[8];
    _mm256_storeu_ps(lane, sum[i]);
    for (int j = 0; j < 8; j++) total += lane[j];
  }
  return total;
}
#endif

static float fma_scalar(void) {
  float sum[CHAINS];
  float total = 0;
  for (int i = 0; i < CHAINS; i++) sum[i] = (float)i;
  for (long k = 0; k < LOOP; k++) {
    for (int i = 0; i < CHAINS; i++) sum[i] = sum[i] * 0.999f + 1e-3f;
  }
  for (int i = 0; i < CHAINS; i++) total += sum[i];
  return total;
}

/* Operations of one call. */
static double fma_loop(volatile float *sink) {
#if defined(__x86_64__)
  if (c2_kernels_find("avx512", C2_TYPE_FP32)) {
    *sink = fma_avx512();
    return 2.0 * 16 * CHAINS * LOOP;
  }
  if (c2_kernels_find("avx2", C2_TYPE_FP32)) {
    *sink = fma_avx2();
    return 2.0 * 8 * CHAINS * LOOP;
  }
#endif
  *sink = fma_scalar();
  return 2.0 * CHAINS * LOOP;
}

/* ---- Threads ---------------------------------------------------------------------------------- */

typedef struct share {
  const bench *bench;
  size_t index;
  double done; /* operations */
} share;

static void *peak_thread(void *argument) {
  share *s = argument;
  volatile float sink = 0;
  c2_pin_thread(s->index, NULL);
  s->done = fma_loop(&sink);
  return NULL;
}

/* Blocks and strides of rows as the engine takes them; each thread every `threads`-th block. */
static void *kernel_thread(void *argument) {
  share *s = argument;
  const bench *b = s->bench;
  const shape *p = &b->shape;
  c2_pin_thread(s->index, NULL);
  size_t share_rows = (p->rows + 2 * b->threads - 1) / (2 * b->threads);
  size_t block = c2_min_size(BLOCK, c2_round_up(share_rows, b->kernels->tile[C2_TYPE_FP32]));
  for (size_t i = s->index * block; i < p->rows; i += b->threads * block) {
    size_t rows = c2_min_size(block, p->rows - i);
    size_t stride = p->depth + SKEW;
    float *a = b->a + i * stride;
    bool narrow = b->type != C2_TYPE_FP32;
    c2_gemm g = {.a = {b->type, narrow ? b->left + i * stride : a, stride, b->a_scale + i, NULL},
                 .b = {b->type, narrow ? (void *)b->words : (void *)b->b, c2_panel_words(b->type, p->depth),
                       b->b_scale, b->b_shift},
                 .depth = p->depth,
                 .c = b->c + i * (p->columns + SKEW),
                 .c_stride = p->columns + SKEW};
    if (narrow) b->kernels->round(&g.a, a, stride, p->depth, rows);
    b->kernels->gemm(&g, rows, 0, p->columns / C2_PANEL);
    s->done += 2.0 * (double)rows * (double)p->depth * (double)p->columns;
  }
  return NULL;
}

static double in_threads(const bench *b, void *(*fn)(void *)) {
  share shares[MOST_THREADS];
  pthread_t thread[MOST_THREADS];
  double done = 0;
  for (size_t i = 0; i < b->threads; i++) {
    shares[i] = (share){b, i, 0};
    if (pthread_create(&thread[i], NULL, fn, &shares[i]) != 0) abort();
  }
  for (size_t i = 0; i < b->threads; i++) {
    pthread_join(thread[i], NULL);
    done += shares[i].done;
  }
  return done;
}

static double run_peak(const bench *b) {
  return in_threads(b, peak_thread);
}

static double run_kernel(const bench *b) {
  return in_threads(b, kernel_thread);
}

static double run_openblas(const bench *b) {
  enum { ROW_MAJOR = 101, NO_TRANSPOSE = 111 };
  int m = (int)b->shape.rows;
  int n = (int)b->shape.columns;
  int k = (int)b->shape.depth;
  b->sgemm(ROW_MAJOR, NO_TRANSPOSE, NO_TRANSPOSE, m, n, k, 1, b->a, k, b->b, n, 0, b->c, n);
  return 2.0 * m * n * k;
}

/* ---- Rates ------------------------------------------------------------------------------------ */

/* Operations a second over at least 40 ms. */
static double rate(const bench *b, double (*run)(const bench *)) {
  double start = c2_clock_seconds();
  double done = 0;
  double seconds = 0;
  do {
    done += run(b);
    seconds = c2_clock_seconds() - start;
  } while (seconds < 0.04);
  return done / seconds;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a;
  double y = *(const double *)b;
  return (x > y) - (x < y);
}

static double median(double *x, size_t n) {
  qsort(x, n, sizeof *x, by_value);
  return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

static double rate_of_type(bench *b, c2_type type) {
  b->type = type;
  b->kernels = c2_kernels_find(NULL, type);
  return rate(b, run_kernel);
}

static void measure(bench *b, size_t rounds) {
  double bf16[MOST_ROUNDS];
  double int8[MOST_ROUNDS];
  double peak[MOST_ROUNDS];
  double kernel[MOST_ROUNDS];
  double blas[MOST_ROUNDS];
  double kernel_share[MOST_ROUNDS];
  double blas_share[MOST_ROUNDS];
  for (size_t i = 0; i < rounds; i++) {
    peak[i] = rate(b, run_peak);
    kernel[i] = rate_of_type(b, C2_TYPE_FP32);
    bf16[i] = rate_of_type(b, C2_TYPE_BF16) / peak[i];
    int8[i] = rate_of_type(b, C2_TYPE_INT8) / peak[i];
    blas[i] = b->sgemm ? rate(b, run_openblas) : 0;
    kernel_share[i] = kernel[i] / peak[i];
    blas_share[i] = blas[i] / peak[i];
  }
  (void)printf(
      "{\"rows\": %zu, \"depth\": %zu, \"columns\": %zu, \"isa\": \"%s\", \"threads\": %zu, "
      "\"peak_gflops\": %.1f, \"kernel_gflops\": %.1f, \"openblas_gflops\": %.1f, \"kernel_share\": %.3f, "
      "\"openblas_share\": %.3f, \"bf16_times_peak\": %.3f, \"int8_times_peak\": %.3f}\n",
      b->shape.rows, b->shape.depth, b->shape.columns, b->kernels->name, b->threads, median(peak, rounds) / 1e9,
      median(kernel, rounds) / 1e9, median(blas, rounds) / 1e9, median(kernel_share, rounds),
      median(blas_share, rounds), median(bf16, rounds), median(int8, rounds));
  (void)fflush(stdout);
}

static void find_openblas(bench *b) {
  void *library = dlopen("libopenblas.so.0", RTLD_NOW | RTLD_LOCAL);
  void (*set_threads)(int) = NULL;
  if (!library) return;
  void *sgemm = dlsym(library, "cblas_sgemm"); /* POSIX lets these pointers hold functions, C doesn't */
  void *threads = dlsym(library, "openblas_set_num_threads");
  memcpy(&b->sgemm, &sgemm, sizeof sgemm);
  memcpy(&set_threads, &threads, sizeof threads);
  if (set_threads) set_threads((int)b->threads);
}

static float *fill(size_t count) {
  float *x = aligned_alloc(C2_ALIGN, c2_round_up(count * sizeof *x, C2_ALIGN));
  if (!x) abort();
  for (size_t i = 0; i < count; i++) x[i] = (float)(i * 2654435761u % 1000) / 1000 - 0.5f;
  return x;
}

/* Buffers for one shape; words of two equal halves are two ordinary bf16 numbers. */
static void open_buffers(bench *b) {
  const shape *p = &b->shape;
  b->a = fill(p->rows * (p->depth + SKEW));
  b->left = fill(p->rows * (p->depth + SKEW));
  b->b = fill(p->depth * p->columns);
  b->c = fill(p->rows * (p->columns + SKEW));
  b->a_scale = fill(p->rows);
  b->b_scale = fill(p->columns);
  b->b_shift = calloc(p->columns, sizeof *b->b_shift);
  b->words = calloc(p->depth * p->columns / 2, sizeof *b->words);
  if (!b->b_shift || !b->words) abort();
  for (size_t i = 0; i < p->depth * p->columns / 2; i++) {
    memcpy(&b->words[i], b->b + i, sizeof *b->words);
    b->words[i] = (b->words[i] >> 16) * 0x10001u;
  }
}

static void close_buffers(bench *b) {
  free(b->a);
  free(b->left);
  free(b->b);
  free(b->c);
  free(b->a_scale);
  free(b->b_scale);
  free(b->b_shift);
  free(b->words);
}

int main(int argc, char **argv) {
  size_t threads = argc > 1 ? strtoul(argv[1], NULL, 10) : (size_t)c2_processor_count();
  size_t rounds = argc > 2 ? strtoul(argv[2], NULL, 10) : 11;
  if (threads < 1 || threads > MOST_THREADS || rounds < 1 || rounds > MOST_ROUNDS) {
    (void)fprintf(stderr, "usage: bench_peak [THREADS, 1 to %d] [ROUNDS, 1 to %d]\n", MOST_THREADS, MOST_ROUNDS);
    return 2;
  }
  bench b = {.threads = threads, .kernels = c2_kernels_find(NULL, C2_TYPE_FP32)};
  find_openblas(&b);
  for (size_t i = 0; i < SHAPES; i++) {
    b.shape = shapes[i];
    open_buffers(&b);
    measure(&b, rounds);
    close_buffers(&b);
  }
  return 0;
}

/* The product of bf16 by tiles of AMX (Intel SDM, chapter 18): two by two tiles of 16 x 16 sums, each step 32 terms
 * deep. A panel is two tiles wide and its words are what TDPBF16PS wants. Whoever includes this has declared the
 * _tile_* intrinsics: amx.c the compiler's, the tests their own in plain C.
 *
 * Every tile is whole: edges are copied into buffers filled up with zeros, which add nothing. An instruction adds up
 * its 32 terms before it adds them to a sum, so long sums need no blocks. */
enum { AMX_ROWS = 16, AMX_TERMS = 32 };

typedef struct amx_config {
  uint8_t palette, start_row, reserved[14];
  uint16_t row_bytes[16];
  uint8_t rows[16];
} amx_config;

static const amx_config amx_whole_tiles = {
    .palette = 1, .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64}, .rows = {16, 16, 16, 16, 16, 16, 16, 16}};

/* Compilers don't know that a tile load reads memory. */
#define AMX_WRITTEN() __asm__ volatile("" ::: "memory")

typedef struct amx_part {
  const void *data;
  size_t stride; /* bytes */
} amx_part;

/* Up to 16 rows by up to 32 terms of A. */
static amx_part amx_left(const c2_gemm *g, size_t row, size_t rows, size_t k, uint16_t edge[AMX_ROWS][AMX_TERMS]) {
  const uint16_t *a = (const uint16_t *)g->a.data + row * g->a.stride + k;
  if (rows >= AMX_ROWS && g->depth - k >= AMX_TERMS) return (amx_part){a, g->a.stride * sizeof *a};
  for (size_t i = 0; i < AMX_ROWS; i++) {
    for (size_t j = 0; j < AMX_TERMS; j++) edge[i][j] = i < rows && k + j < g->depth ? a[i * g->a.stride + j] : 0;
  }
  return (amx_part){edge, sizeof edge[0]};
}

/* Up to 32 terms of a panel of B. */
static amx_part amx_right(const c2_gemm *g, size_t panel, size_t k, uint32_t edge[AMX_TERMS / 2][C2_PANEL]) {
  const uint32_t *b = (const uint32_t *)g->b.data + panel * g->b.stride + k / 2 * C2_PANEL;
  if (g->depth - k >= AMX_TERMS) return (amx_part){b, C2_PANEL * sizeof *b};
  size_t words = (g->depth - k + 1) / 2;
  for (size_t i = 0; i < AMX_TERMS / 2; i++) {
    for (size_t j = 0; j < C2_PANEL; j++) edge[i][j] = i < words ? b[i * C2_PANEL + j] : 0;
  }
  return (amx_part){edge, sizeof edge[0]};
}

static void amx_finish(const c2_gemm *g, size_t row, size_t rows, size_t panel, float sums[2 * AMX_ROWS][C2_PANEL]) {
  const float *bias = g->bias ? g->bias + panel * C2_PANEL : NULL;
  for (size_t i = 0; i < rows; i++) {
    float *to = g->c + (row + i) * g->c_stride + panel * C2_PANEL;
    for (size_t j = 0; j < C2_PANEL; j++) {
      float value = sums[i][j];
      if (bias) value += bias[j];
      if (g->accumulate) value += to[j];
      to[j] = g->relu && value < 0.0f ? 0.0f : value;
    }
  }
}

/* Up to 32 rows by a panel. */
static void amx_tile(const c2_gemm *g, size_t row, size_t rows, size_t panel) {
  float sums[2 * AMX_ROWS][C2_PANEL];
  uint16_t a_edge[2][AMX_ROWS][AMX_TERMS];
  uint32_t b_edge[AMX_TERMS / 2][C2_PANEL];
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (size_t k = 0; k < g->depth; k += AMX_TERMS) {
    amx_part b = amx_right(g, panel, k, b_edge);
    amx_part upper = amx_left(g, row, rows, k, a_edge[0]);
    amx_part lower = upper;
    if (rows > AMX_ROWS) lower = amx_left(g, row + AMX_ROWS, rows - AMX_ROWS, k, a_edge[1]);
    AMX_WRITTEN();
    _tile_loadd(6, b.data, b.stride);
    _tile_loadd(7, (const char *)b.data + 64, b.stride);
    _tile_loadd(4, upper.data, upper.stride);
    _tile_dpbf16ps(0, 4, 6);
    _tile_dpbf16ps(1, 4, 7);
    if (rows <= AMX_ROWS) continue;
    _tile_loadd(5, lower.data, lower.stride);
    _tile_dpbf16ps(2, 5, 6);
    _tile_dpbf16ps(3, 5, 7);
  }
  _tile_stored(0, sums[0], sizeof sums[0]);
  _tile_stored(1, sums[0] + C2_PANEL / 2, sizeof sums[0]);
  _tile_stored(2, sums[AMX_ROWS], sizeof sums[0]);
  _tile_stored(3, sums[AMX_ROWS] + C2_PANEL / 2, sizeof sums[0]);
  AMX_WRITTEN();
  amx_finish(g, row, rows, panel, sums);
}

static void amx_gemm_bf16(const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel) {
  _tile_loadconfig(&amx_whole_tiles);
  for (size_t p = first_panel; p < last_panel; p++) {
    for (size_t i = 0; i < rows; i += 2 * AMX_ROWS) {
      amx_tile(g, i, rows - i < 2 * AMX_ROWS ? rows - i : 2 * AMX_ROWS, p);
    }
  }
  _tile_release();
}

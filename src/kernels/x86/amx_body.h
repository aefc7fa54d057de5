/* Products of bf16 and int8 by tiles of AMX (Intel SDM, chapter 18): two by two tiles of 16 x 16 sums, each step 64
 * bytes of A's rows deep. A panel is two tiles wide and its words are what TDPBF16PS and TDPBUSD want. Whoever includes
 * this has declared the _tile_* intrinsics: amx.c the compiler's, the tests their own in plain C.
 *
 * Every tile is whole: edges are copied into buffers filled up with zeros, which add nothing. TDPBF16PS adds up its 32
 * terms before it adds them to a sum, so long sums need no blocks; those of int8 are exact. */
enum { AMX_ROWS = 16, AMX_WORDS = 16, AMX_INT8_ZERO = 128 };

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

/* A product, in words of 32 bits. */
typedef struct amx_product {
  const c2_gemm *g;
  const uint8_t *a;
  size_t a_stride, a_bytes; /* of a row of A: from one to the next, and those that have terms */
  size_t words;             /* of a column of B */
} amx_product;

static amx_product amx_open(const c2_gemm *g) {
  size_t size = 4 / c2_word_terms(g->b.type);
  size_t terms = c2_word_terms(g->b.type);
  return (amx_product){g, g->a.data, g->a.stride * size, g->depth * size, (g->depth + terms - 1) / terms};
}

/* Up to 16 rows by up to 16 words of A, from word k on. */
static amx_part amx_left(const amx_product *p, size_t row, size_t rows, size_t k, uint8_t edge[AMX_ROWS][64]) {
  const uint8_t *a = p->a + row * p->a_stride + 4 * k;
  size_t left = p->a_bytes - 4 * k;
  if (rows >= AMX_ROWS && left >= 64) return (amx_part){a, p->a_stride};
  for (size_t i = 0; i < AMX_ROWS; i++) {
    for (size_t j = 0; j < 64; j++) edge[i][j] = i < rows && j < left ? a[i * p->a_stride + j] : 0;
  }
  return (amx_part){edge, sizeof edge[0]};
}

/* Up to 16 words of a panel of B. */
static amx_part amx_right(const amx_product *p, size_t panel, size_t k, uint32_t edge[AMX_WORDS][C2_PANEL]) {
  const uint32_t *b = (const uint32_t *)p->g->b.data + panel * p->g->b.stride + k * C2_PANEL;
  if (p->words - k >= AMX_WORDS) return (amx_part){b, C2_PANEL * sizeof *b};
  for (size_t i = 0; i < AMX_WORDS; i++) {
    for (size_t j = 0; j < C2_PANEL; j++) edge[i][j] = i < p->words - k ? b[i * C2_PANEL + j] : 0;
  }
  return (amx_part){edge, sizeof edge[0]};
}

/* The sums of two tiles' rows by a panel. */
typedef union amx_sums {
  float bf16[2 * AMX_ROWS][C2_PANEL];
  int32_t int8[2 * AMX_ROWS][C2_PANEL];
} amx_sums;

/* int8: A holds its numbers plus 128, and B's shift is 128 times the sum of a column. */
static void amx_finish(const c2_gemm *g, size_t row, size_t rows, size_t panel, const amx_sums *sums) {
  for (size_t i = 0; i < rows; i++) {
    float *to = g->c + (row + i) * g->c_stride + panel * C2_PANEL;
    for (size_t j = 0; j < C2_PANEL; j++) {
      size_t column = panel * C2_PANEL + j;
      float bias = g->bias ? g->bias[column] : 0.0f;
      float value = sums->bf16[i][j] + bias;
      if (g->b.type == C2_TYPE_INT8) {
        value = fmaf((float)(sums->int8[i][j] - g->b.shift[column]) * g->b.scale[column], g->a.scale[row + i], bias);
      }
      if (g->accumulate) value += to[j];
      to[j] = g->relu && value < 0.0f ? 0.0f : value;
    }
  }
}

/* The intrinsics want numbers of tiles that are written out. */
#define AMX_MULTIPLY(to, left, right) \
  do { \
    if (int8) _tile_dpbusd(to, left, right); \
    else _tile_dpbf16ps(to, left, right); \
  } while (0)

/* Up to 32 rows by a panel. */
static void amx_tile(const amx_product *p, size_t row, size_t rows, size_t panel) {
  bool int8 = p->g->b.type == C2_TYPE_INT8;
  amx_sums sums;
  uint8_t a_edge[2][AMX_ROWS][64];
  uint32_t b_edge[AMX_WORDS][C2_PANEL];
  _tile_zero(0);
  _tile_zero(1);
  _tile_zero(2);
  _tile_zero(3);
  for (size_t k = 0; k < p->words; k += AMX_WORDS) {
    amx_part b = amx_right(p, panel, k, b_edge);
    amx_part upper = amx_left(p, row, rows, k, a_edge[0]);
    amx_part lower = upper;
    if (rows > AMX_ROWS) lower = amx_left(p, row + AMX_ROWS, rows - AMX_ROWS, k, a_edge[1]);
    AMX_WRITTEN();
    _tile_loadd(6, b.data, b.stride);
    _tile_loadd(7, (const char *)b.data + 64, b.stride);
    _tile_loadd(4, upper.data, upper.stride);
    AMX_MULTIPLY(0, 4, 6);
    AMX_MULTIPLY(1, 4, 7);
    if (rows <= AMX_ROWS) continue;
    _tile_loadd(5, lower.data, lower.stride);
    AMX_MULTIPLY(2, 5, 6);
    AMX_MULTIPLY(3, 5, 7);
  }
  _tile_stored(0, sums.bf16[0], sizeof sums.bf16[0]);
  _tile_stored(1, sums.bf16[0] + C2_PANEL / 2, sizeof sums.bf16[0]);
  _tile_stored(2, sums.bf16[AMX_ROWS], sizeof sums.bf16[0]);
  _tile_stored(3, sums.bf16[AMX_ROWS] + C2_PANEL / 2, sizeof sums.bf16[0]);
  AMX_WRITTEN();
  amx_finish(p->g, row, rows, panel, &sums);
}

/* bf16 or int8 */
static void amx_gemm(const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel) {
  amx_product p = amx_open(g);
  _tile_loadconfig(&amx_whole_tiles);
  for (size_t panel = first_panel; panel < last_panel; panel++) {
    for (size_t i = 0; i < rows; i += 2 * AMX_ROWS) {
      amx_tile(&p, i, rows - i < 2 * AMX_ROWS ? rows - i : 2 * AMX_ROWS, panel);
    }
  }
  _tile_release();
}

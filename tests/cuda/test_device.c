/* Each operation of the emulated device beside plain loops in double precision, in float32 and bf16, over ragged rows
 * and odd sizes, under several orders of blocks and threads. Memory that an operation has no business with is never
 * written, and the emulator refuses to read it: so these tests also show that a window reads its own keys only. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "cuda/device.h"
#include "series/normalize.h"
#include "series/quantiles.h"

const c2_device_table *c2_cuda_device_table(void);

enum { HEAD = 32, INNER = 64, MEMBERS = 169, ROOM = 200, MOST_TOKENS = 512 };

static const c2_device_table *ops;
static c2_device *device;
static c2_error err;
static uint64_t state = 1;

#define RIGHT(call)                                      \
  do {                                                   \
    if ((call) != C2_OK) fail_msg("%s", err.text);       \
  } while (0)

/* Uniform in [0, 1). */
static double uniform(void) {
  state = state * 6364136223846793005u + 1442695040888963407u;
  return (double)(state >> 40) / (double)(1 << 24);
}

static size_t below(size_t n) {
  return (size_t)(uniform() * (double)n);
}

static void *on_device(const void *values, size_t bytes) {
  void *memory = NULL;
  RIGHT(ops->allocate(device, bytes, &memory, &err));
  if (values) RIGHT(ops->upload(device, memory, values, bytes, &err));
  return memory;
}

static float rounded(float x) {
  uint32_t bits = 0;
  memcpy(&bits, &x, sizeof bits);
  bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u;
  memcpy(&x, &bits, sizeof x);
  return x;
}

/* Numbers of a type, and what they are worth. */
typedef struct numbers {
  float *value;
  unsigned char *raw;
  size_t count, size;
} numbers;

static numbers random_numbers(size_t count, c2_gpu_element type, double width) {
  numbers n = {malloc(count * sizeof(float) + 1), malloc(count * 4 + 1), count, type == C2_GPU_BF16 ? 2 : 4};
  for (size_t i = 0; i < count; i++) {
    float x = (float)((2 * uniform() - 1) * width);
    n.value[i] = type == C2_GPU_BF16 ? rounded(x) : x;
    uint32_t bits = 0;
    memcpy(&bits, &n.value[i], sizeof bits);
    if (type == C2_GPU_BF16) bits >>= 16;
    memcpy(n.raw + i * n.size, &bits, n.size); /* the low bytes come first here */
  }
  return n;
}

static void free_numbers(numbers *n) {
  free(n->value);
  free(n->raw);
}

/* `count` elements of a device array as float32. */
static float *read_back(const void *memory, size_t count, c2_gpu_element type) {
  size_t size = type == C2_GPU_BF16 ? 2 : 4;
  unsigned char *raw = malloc(count * size);
  float *values = malloc(count * sizeof *values);
  RIGHT(ops->download(device, raw, memory, count * size, &err));
  for (size_t i = 0; i < count; i++) {
    uint32_t bits = 0;
    memcpy(&bits, raw + i * size, size);
    if (type == C2_GPU_BF16) bits <<= 16;
    memcpy(&values[i], &bits, sizeof bits);
  }
  free(raw);
  return values;
}

static void assert_near(double ours, double theirs, double tolerance, const char *what) {
  if (!(fabs(ours - theirs) <= tolerance)) fail_msg("%s: %.9g, expected %.9g", what, ours, theirs);
}

/* ---- Attention ---------------------------------------------------------------------------------- */

/* A set of rows for attention: q, k, v side by side, [tokens][3 inner]. */
typedef struct attention {
  c2_gpu_element type;
  size_t heads, head, inner, tokens, past;
  numbers qkv, kv;       /* kv: the past, [past][2 inner] */
  c2_gpu_visible *seen;  /* [tokens] keys of each query, counted from its row's first token */
  c2_gpu_visible *blind; /* the same for blind heads */
  uint32_t *row;         /* [tokens] first token of its row */
  uint32_t *past_first, *past_count; /* [tokens] */
  c2_gpu_tile tile[64];
  size_t tiles;
} attention;

/* What attention of one query and head should be. */
static void expected(const attention *a, size_t query, size_t head, const c2_gpu_visible *seen, double *out) {
  const float *q = a->qkv.value + query * 3 * a->inner + head * a->head;
  size_t past = a->past_count[query];
  double sum = 0;
  double top = -INFINITY;
  for (int pass = 0; pass < 2; pass++) {
    for (size_t i = 0; i < past + 1000; i++) {
      bool before = i < past;
      size_t key = i - past;
      bool near = (key >= seen->first && key < seen->last) || (key >= seen->first2 && key < seen->last2);
      if (!before && !near) continue;
      const float *k = before ? a->kv.value + (a->past_first[query] + i) * 2 * a->inner + head * a->head
                              : a->qkv.value + (a->row[query] + key) * 3 * a->inner + a->inner + head * a->head;
      double score = 0;
      for (size_t j = 0; j < a->head; j++) score += (double)q[j] * (double)k[j];
      if (pass == 0) {
        top = fmax(top, score);
        continue;
      }
      sum += exp(score - top);
      for (size_t j = 0; j < a->head; j++) out[j] += exp(score - top) * (double)k[j + a->inner];
    }
    for (size_t j = 0; j < a->head && pass == 0; j++) out[j] = 0;
  }
  for (size_t j = 0; j < a->head; j++) out[j] /= sum;
}

static void add_row(attention *a, size_t length, size_t window, size_t future) {
  size_t first = a->tokens;
  size_t context = length - future;
  size_t past = a->past > 0 ? 1 + below(a->past / 2) : 0;
  size_t past_first = a->past > 0 ? below(a->past - past + 1) : 0;
  for (size_t t = 0; t < length; t++) {
    size_t low = t > window ? t - window : 0;
    size_t high = t + window + 1 < context ? t + window + 1 : context;
    bool all = t >= context;
    a->seen[first + t] = all ? (c2_gpu_visible){0, (uint32_t)length, 0, 0}
                             : (c2_gpu_visible){(uint32_t)low, (uint32_t)high, (uint32_t)context, (uint32_t)length};
    a->blind[first + t] = a->seen[first + t];
    if (!all) a->blind[first + t].first2 = a->blind[first + t].last2 = 0;
    a->row[first + t] = (uint32_t)first;
    a->past_first[first + t] = (uint32_t)past_first;
    a->past_count[first + t] = (uint32_t)past;
  }
  a->tokens += length;
  for (size_t t = 0; t < length;) {
    size_t to = t + 1 + below(C2_TILE_QUERIES);
    if (t < context && to > context) to = context;
    if (to > length) to = length;
    c2_gpu_tile *tile = &a->tile[a->tiles++];
    *tile = (c2_gpu_tile){.query = (uint32_t)(first + t), .queries = (uint32_t)(to - t), .limit = (uint32_t)(first + t),
                          .key = (uint32_t)first, .past = (uint32_t)past_first, .past_count = (uint32_t)past};
    tile->span = a->seen[first + t];
    tile->span.last = a->seen[first + to - 1].last;
    t = to;
  }
}

static void open_attention(attention *a, c2_gpu_element type, size_t head, size_t past) {
  *a = (attention){.type = type, .heads = 2, .head = head, .inner = 2 * head, .past = past};
  a->seen = calloc(MOST_TOKENS, sizeof *a->seen);
  a->blind = calloc(MOST_TOKENS, sizeof *a->blind);
  a->row = calloc(MOST_TOKENS, sizeof *a->row);
  a->past_first = calloc(MOST_TOKENS, sizeof *a->past_first);
  a->past_count = calloc(MOST_TOKENS, sizeof *a->past_count);
}

static void close_attention(attention *a) {
  free_numbers(&a->qkv);
  free_numbers(&a->kv);
  free(a->seen);
  free(a->blind);
  free(a->row);
  free(a->past_first);
  free(a->past_count);
}

static void check_attention(attention *a, bool blind, double tolerance) {
  size_t size = a->type == C2_GPU_BF16 ? 2 : 4;
  const uint8_t blind_heads[2] = {0, 1};
  a->qkv = random_numbers(a->tokens * 3 * a->inner, a->type, 1.0);
  a->kv = random_numbers(a->past * 2 * a->inner, a->type, 1.0);
  unsigned char *qkv = on_device(a->qkv.raw, a->qkv.count * size);
  unsigned char *kv = on_device(a->kv.raw, a->kv.count * size);
  c2_gpu_attend g = {.type = a->type,
                     .q = qkv,
                     .k = qkv + a->inner * size,
                     .v = qkv + 2 * a->inner * size,
                     .past_k = kv,
                     .past_v = kv + a->inner * size,
                     .q_stride = 3 * a->inner,
                     .kv_stride = 3 * a->inner,
                     .past_stride = 2 * a->inner,
                     .out_stride = a->inner,
                     .heads = a->heads,
                     .head = (uint32_t)a->head,
                     .tiles = a->tiles};
  g.out = on_device(NULL, a->tokens * a->inner * size);
  void *tile = on_device(a->tile, a->tiles * sizeof *a->tile);
  void *seen = on_device(a->seen, a->tokens * sizeof *a->seen);
  void *unseen = on_device(a->blind, a->tokens * sizeof *a->blind);
  void *flags = on_device(blind_heads, sizeof blind_heads);
  g.tile = tile;
  g.visible = seen;
  g.blind_visible = unseen;
  g.blind = blind ? flags : NULL;
  RIGHT(ops->attend(device, &g, &err));
  float *out = read_back(g.out, a->tokens * a->inner, a->type);
  for (size_t t = 0; t < a->tokens; t++) {
    for (size_t h = 0; h < a->heads; h++) {
      double right[128];
      expected(a, t, h, blind && h == 1 ? &a->blind[t] : &a->seen[t], right);
      for (size_t j = 0; j < a->head; j++) {
        assert_near((double)out[t * a->inner + h * a->head + j], right[j], tolerance, "attention");
      }
    }
  }
  free(out);
  void *all[] = {qkv, kv, g.out, tile, seen, unseen, flags};
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) ops->release(device, all[i]);
}

static void test_time_attention(void **test) {
  (void)test;
  static const size_t heads[] = {32, 64, 128, 128};
  for (size_t i = 0; i < 8; i++) {
    c2_gpu_element type = i % 2 ? C2_GPU_BF16 : C2_GPU_FLOAT;
    attention a;
    open_attention(&a, type, heads[i / 2], i >= 6 ? 70 : 0);
    add_row(&a, 1, 1, 1);
    add_row(&a, 35, 1000, 3);
    add_row(&a, 90, 3, 2);
    add_row(&a, 160, 71, 2); /* blocks of keys that some queries see whole, others in part */
    check_attention(&a, i % 3 == 0, type == C2_GPU_BF16 ? 8e-3 : 2e-6);
    close_attention(&a);
  }
}

/* Keys outside a tile's span are never written: the emulator would refuse to read them. */
static void test_window_reads_its_keys(void **test) {
  (void)test;
  enum { TOKENS = 400, FIRST = 200, LAST = 217 };
  for (size_t i = 0; i < 2; i++) {
    c2_gpu_element type = i ? C2_GPU_BF16 : C2_GPU_FLOAT;
    size_t size = i ? 2 : 4;
    numbers keys = random_numbers((LAST - FIRST) * HEAD, type, 1.0);
    unsigned char *memory = on_device(NULL, TOKENS * HEAD * size);
    RIGHT(ops->upload(device, memory + FIRST * HEAD * size, keys.raw, keys.count * size, &err));
    c2_gpu_tile tile = {.query = FIRST + 8, .queries = 1, .limit = 0, .span = {FIRST, LAST, 0, 0}};
    void *tiles = on_device(&tile, sizeof tile);
    void *out = on_device(NULL, TOKENS * HEAD * size);
    c2_gpu_attend a = {.type = type, .q = memory, .k = memory, .v = memory, .out = out, .q_stride = HEAD,
                       .kv_stride = HEAD, .out_stride = HEAD, .heads = 1, .head = HEAD, .tile = tiles, .tiles = 1};
    RIGHT(ops->attend(device, &a, &err));
    tile.span.first--;
    RIGHT(ops->upload(device, tiles, &tile, sizeof tile, &err));
    assert_int_equal(ops->attend(device, &a, &err), C2_ERR_IO);
    assert_non_null(strstr(err.text, "never written"));
    free_numbers(&keys);
    ops->release(device, memory);
    ops->release(device, tiles);
    ops->release(device, out);
  }
}

/* Groups of 1, 2, 31, 32, 33 and 70 members whose tokens lie anywhere. */
typedef struct groups {
  uint32_t member[MEMBERS];
  c2_gpu_seat seat[MEMBERS];
  c2_gpu_tile tile[MEMBERS];
  size_t tiles;
} groups;

static groups make_groups(void) {
  static const uint32_t sizes[] = {1, 2, 31, 32, 33, 70};
  groups g = {.tiles = 0};
  uint32_t at = 0;
  for (uint32_t m = 0; m < MEMBERS; m++) g.member[m] = m * 37 % ROOM;
  for (size_t i = 0; i < 6; at += sizes[i++]) {
    for (uint32_t m = 0; m < sizes[i]; m++) g.seat[at + m] = (c2_gpu_seat){g.member[at + m], at, sizes[i]};
    for (uint32_t m = 0; m < sizes[i]; m += C2_TILE_QUERIES) {
      uint32_t left = sizes[i] - m;
      g.tile[g.tiles++] = (c2_gpu_tile){.query = at + m,
                                        .queries = left < C2_TILE_QUERIES ? left : C2_TILE_QUERIES,
                                        .key = at,
                                        .span = {0, sizes[i], 0, 0}};
    }
  }
  return g;
}

static void check_groups(const groups *g, const float *qkv, const float *out, double tolerance) {
  for (uint32_t m = 0; m < MEMBERS; m++) {
    for (size_t h = 0; h < 2; h++) {
      double right[HEAD] = {0};
      double sum = 0;
      for (uint32_t o = 0; o < g->seat[m].count; o++) {
        const float *q = qkv + g->member[m] * 3 * INNER + h * HEAD;
        const float *k = qkv + g->member[g->seat[m].first + o] * 3 * INNER + INNER + h * HEAD;
        double score = 0;
        for (size_t j = 0; j < HEAD; j++) score += (double)q[j] * (double)k[j];
        sum += exp(score);
        for (size_t j = 0; j < HEAD; j++) right[j] += exp(score) * (double)k[j + INNER];
      }
      for (size_t j = 0; j < HEAD; j++) {
        assert_near((double)out[g->member[m] * INNER + h * HEAD + j], right[j] / sum, tolerance, "group attention");
      }
    }
  }
}

static void test_group_attention(void **test) {
  (void)test;
  groups g = make_groups();
  for (size_t i = 0; i < 4; i++) {
    c2_gpu_element type = i % 2 ? C2_GPU_BF16 : C2_GPU_FLOAT;
    size_t size = i % 2 ? 2 : 4;
    numbers n = random_numbers(ROOM * 3 * INNER, type, 1.0);
    numbers zero = random_numbers(ROOM * INNER, type, 0.0);
    unsigned char *qkv = on_device(n.raw, n.count * size);
    void *out = on_device(zero.raw, zero.count * size);
    void *list[] = {on_device(g.member, sizeof g.member), on_device(g.seat, sizeof g.seat),
                    on_device(g.tile, g.tiles * sizeof g.tile[0])};
    c2_gpu_attend_seats s = {.type = type, .q = qkv, .stride = 3 * INNER, .out_stride = INNER, .heads = 2,
                             .head = HEAD, .seat = list[1], .member = list[0], .seats = MEMBERS};
    c2_gpu_attend t = {.type = type, .q = qkv, .q_stride = 3 * INNER, .kv_stride = 3 * INNER, .out_stride = INNER,
                       .heads = 2, .head = HEAD, .tile = list[2], .tiles = g.tiles, .q_row = list[0],
                       .k_row = list[0]};
    s.k = t.k = qkv + INNER * size;
    s.v = t.v = qkv + 2 * INNER * size;
    s.out = t.out = out;
    RIGHT(i >= 2 ? ops->attend(device, &t, &err) : ops->attend_seats(device, &s, &err));
    float *ours = read_back(out, ROOM * INNER, type);
    check_groups(&g, n.value, ours, type == C2_GPU_BF16 ? 8e-3 : 2e-6);
    free(ours);
    free_numbers(&n);
    free_numbers(&zero);
    ops->release(device, qkv);
    ops->release(device, out);
    for (size_t j = 0; j < 3; j++) ops->release(device, list[j]);
  }
}

/* ---- Rows --------------------------------------------------------------------------------------- */

static void test_norm(void **test) {
  (void)test;
  enum { ROWS = 13, COLUMNS = 43, PADDED = 48 };
  for (size_t i = 0; i < 2; i++) {
    c2_gpu_element type = i ? C2_GPU_BF16 : C2_GPU_FLOAT;
    numbers x = random_numbers(ROWS * PADDED, C2_GPU_FLOAT, 3.0);
    numbers w = random_numbers(PADDED, C2_GPU_FLOAT, 2.0);
    for (size_t j = COLUMNS; j < PADDED; j++) w.value[j] = 0;
    c2_gpu_norm n = {.type = type, .x_stride = PADDED, .out_stride = PADDED, .rows = ROWS, .columns = COLUMNS,
                     .padded = PADDED, .epsilon = 1e-6f};
    n.x = on_device(x.value, x.count * 4);
    n.weight = on_device(w.value, w.count * 4);
    n.out = on_device(NULL, ROWS * PADDED * 4);
    RIGHT(ops->norm(device, &n, &err));
    float *out = read_back(n.out, ROWS * PADDED, type);
    for (size_t r = 0; r < ROWS; r++) {
      double sum = 0;
      for (size_t j = 0; j < COLUMNS; j++) sum += pow((double)x.value[r * PADDED + j], 2);
      for (size_t j = 0; j < PADDED; j++) {
        double right = (double)w.value[j] * (double)x.value[r * PADDED + j] / sqrt(sum / COLUMNS + 1e-6);
        assert_near((double)out[r * PADDED + j], right, (i ? 4e-3 : 1e-6) * (1 + fabs(right)), "norm");
      }
    }
    free(out);
    free_numbers(&x);
    free_numbers(&w);
    ops->release(device, (void *)(uintptr_t)n.x);
    ops->release(device, (void *)(uintptr_t)n.weight);
    ops->release(device, n.out);
  }
}

static void test_rotate(void **test) {
  (void)test;
  enum { ROWS = 9, HEADS = 3, HALF = 5, STRIDE = 104, POSITIONS = 20 };
  int32_t position[ROWS];
  float cosine[POSITIONS * HALF];
  float sine[POSITIONS * HALF];
  for (size_t r = 0; r < ROWS; r++) position[r] = (int32_t)below(POSITIONS);
  for (size_t j = 0; j < POSITIONS * HALF; j++) {
    cosine[j] = (float)cos((double)j);
    sine[j] = (float)sin((double)j);
  }
  numbers x = random_numbers(ROWS * STRIDE, C2_GPU_FLOAT, 1.0);
  c2_gpu_rotate r = {.stride = STRIDE, .rows = ROWS, .heads = HEADS, .head = HEAD, .half = HALF};
  void *tables[] = {on_device(position, sizeof position), on_device(cosine, sizeof cosine),
                    on_device(sine, sizeof sine)};
  r.x = on_device(x.value, x.count * 4);
  r.position = tables[0];
  r.cosine = tables[1];
  r.sine = tables[2];
  RIGHT(ops->rotate(device, &r, &err));
  float *out = read_back(r.x, x.count, C2_GPU_FLOAT);
  for (size_t i = 0; i < x.count; i++) {
    size_t row = i / STRIDE;
    size_t j = i % STRIDE % HEAD;
    double right = (double)x.value[i];
    size_t angle = (size_t)position[row] * HALF + j % HALF;
    if (i % STRIDE < HEADS * HEAD && j < 2 * HALF) {
      bool low = j < HALF;
      right = right * (double)cosine[angle] +
              (low ? -1 : 1) * (double)x.value[low ? i + HALF : i - HALF] * (double)sine[angle];
    }
    assert_near((double)out[i], right, 1e-6, "rotary embedding");
  }
  free(out);
  free_numbers(&x);
  ops->release(device, r.x);
  for (size_t i = 0; i < 3; i++) ops->release(device, tables[i]);
}

/* Two rows: the second's numbers are so large that differences overflow. */
static void test_features(void **test) {
  (void)test;
  enum { PATCH = 5, STRIDE = 16, TOKENS = 9, PATCHES = 2 };
  double values[40];
  for (size_t i = 0; i < 40; i++) values[i] = i % 7 == 3 ? (double)NAN : sin((double)i) * (i < 20 ? 3 : 1e308);
  c2_scaler scaler[2] = {c2_scaler_fit(values, 12, true), c2_scaler_fit(values + 20, 10, true)};
  c2_gpu_series_span row[2] = {{0, 12, 12, 8, scaler[0].loc, scaler[0].scale},
                               {20, 10, 30, 10, scaler[1].loc, scaler[1].scale}};
  const uint32_t row_of[TOKENS] = {0, 0, 0, 0, 0, 1, 1, 1, 1};
  const int32_t position[TOKENS] = {-3, -1, 0, 1, 2, -2, 0, 1, 2};
  c2_gpu_features f = {.tokens = TOKENS, .patch = PATCH, .stride = STRIDE, .time_scale = 100, .arcsinh = true};
  void *given[] = {on_device(values, sizeof values), on_device(row, sizeof row), on_device(row_of, sizeof row_of),
                   on_device(position, sizeof position)};
  f.contexts = f.futures = given[0];
  f.row = given[1];
  f.row_of = given[2];
  f.position = given[3];
  f.out = on_device(NULL, TOKENS * STRIDE * 4);
  RIGHT(ops->features(device, &f, &err));
  float *out = read_back(f.out, TOKENS * STRIDE, C2_GPU_FLOAT);
  for (size_t t = 0; t < TOKENS; t++) {
    float right[STRIDE] = {0};
    const c2_gpu_series_span *r = &row[row_of[t]];
    ptrdiff_t first = position[t] < 0 ? position[t] * PATCH : (position[t] - 1) * PATCH;
    if (position[t] < 0) {
      ptrdiff_t end = (ptrdiff_t)r->context_length;
      c2_patch_features(right, &scaler[row_of[t]], values + r->context, 0, end, end + first, PATCH, (double)first, 100);
    } else if (position[t] > 0) {
      c2_patch_features(right, &scaler[row_of[t]], values + r->future, 0, (ptrdiff_t)r->future_length, first, PATCH,
                        (double)first, 100);
    }
    for (size_t j = 0; j < STRIDE; j++) assert_true(out[t * STRIDE + j] == right[j]);
  }
  free(out);
  ops->release(device, f.out);
  for (size_t i = 0; i < 4; i++) ops->release(device, given[i]);
}

/* Rows that are empty, missing, constant, tiny, huge and far from 0, beside the CPU's. */
static void test_fit(void **test) {
  (void)test;
  enum { ROWS = 9, LENGTH = 700 };
  static const double center[ROWS] = {0, 0, 5, 1e-310, 0, 1e12, -3, 1e200, 0};
  static const double width[ROWS] = {1, 1, 0, 1e-311, 1.7e308, 1e-3, 1e-30, 1e199, 1};
  static const size_t length[ROWS] = {0, 300, LENGTH, 100, LENGTH, LENGTH, 500, 257, 1};
  double *values = malloc(ROWS * LENGTH * sizeof *values);
  c2_gpu_series_span row[ROWS];
  for (size_t r = 0; r < ROWS; r++) {
    row[r] = (c2_gpu_series_span){.context = r * LENGTH, .context_length = length[r]};
    for (size_t i = 0; i < LENGTH; i++) {
      bool missing = r == 1 || (r > 2 && length[r] > 1 && i % 5 == r % 5);
      values[r * LENGTH + i] = missing ? (double)NAN : center[r] + (2 * uniform() - 1) * width[r];
    }
  }
  void *given[] = {on_device(values, ROWS * LENGTH * sizeof *values), on_device(row, sizeof row)};
  c2_gpu_fit f = {.contexts = given[0], .row = given[1], .rows = ROWS};
  RIGHT(ops->fit(device, &f, &err));
  RIGHT(ops->download(device, row, given[1], sizeof row, &err));
  for (size_t r = 0; r < ROWS; r++) {
    c2_scaler right = c2_scaler_fit(values + r * LENGTH, length[r], true);
    assert_near(row[r].loc, right.loc, 1e-7 * fabs(right.loc) + 1e-9 * right.scale, "loc");
    assert_near(row[r].scale, right.scale, 1e-7 * right.scale, "scale");
    assert_int_equal(row[r].context_length, length[r]);
  }
  free(values);
  for (size_t i = 0; i < 2; i++) ops->release(device, given[i]);
}

static void test_invert(void **test) {
  (void)test;
  enum { ROWS = 3, PATCHES = 2, PATCH = 4, QUANTILES = 3, STRIDE = 16 };
  c2_gpu_series_span row[ROWS] = {{.loc = 1, .scale = 2}, {.loc = -5, .scale = 1e-5}, {.loc = 0, .scale = 1e20}};
  numbers z = random_numbers(ROWS * PATCHES * STRIDE, C2_GPU_FLOAT, 3.0);
  c2_gpu_invert v = {.rows = ROWS, .patches = PATCHES, .patch = PATCH, .quantiles = QUANTILES, .stride = STRIDE,
                     .arcsinh = true};
  double out[ROWS * QUANTILES * PATCHES * PATCH];
  void *given[] = {on_device(z.value, z.count * 4), on_device(row, sizeof row), on_device(NULL, sizeof out)};
  v.z = given[0];
  v.row = given[1];
  v.out = given[2];
  RIGHT(ops->invert(device, &v, &err));
  RIGHT(ops->download(device, out, v.out, sizeof out, &err));
  for (size_t i = 0; i < sizeof out / sizeof out[0]; i++) {
    size_t step = i % (PATCHES * PATCH);
    size_t q = i / (PATCHES * PATCH) % QUANTILES;
    size_t r = i / (PATCHES * PATCH) / QUANTILES;
    c2_scaler s = {row[r].loc, row[r].scale, true};
    float from = z.value[(r * PATCHES + step / PATCH) * STRIDE + q * PATCH + step % PATCH];
    assert_true(out[i] == c2_scaler_invert(&s, (double)from));
  }
  free_numbers(&z);
  for (size_t i = 0; i < 3; i++) ops->release(device, given[i]);
}

/* The steps between the passes of a rollout, beside the CPU's, to the last bit: crossing quantiles, samples that are
 * equal, and a horizon that ends within a pass. */
static void check_rollout(size_t paths, size_t levels) {
  enum { ROWS = 2, STEPS = 6, HORIZON = 10, FIRST = 6, LENGTH = 12, MOST = 32 };
  double level[MOST];
  double path[MOST];
  const uint64_t length[ROWS] = {LENGTH, 4};
  static double weight[C2_MOST_SAMPLES];
  double mass[2 * MOST];
  double known[ROWS * HORIZON];
  static double from[ROWS * C2_MOST_SAMPLES * STEPS];
  double quantiles[ROWS * MOST * HORIZON] = {0};
  double context[ROWS * MOST * (LENGTH + HORIZON)] = {0};
  size_t samples = paths * levels;
  for (size_t i = 0; i < levels; i++) level[i] = (double)(i + 1) / (double)(levels + 1);
  for (size_t i = 0; i < paths; i++) path[i] = ((double)i + 0.3) / (double)paths;
  c2_sample_weights(path, paths, level, levels, weight, mass);
  for (size_t i = 0; i < ROWS * HORIZON; i++) known[i] = i % 4 == 1 ? uniform() : (double)NAN;
  for (size_t i = 0; i < ROWS * samples * STEPS; i++) from[i] = i % 3 ? uniform() : 0.5;
  void *given[] = {on_device(length, sizeof length), on_device(known, sizeof known), on_device(level, sizeof level),
                   on_device(path, sizeof path),     on_device(weight, sizeof weight), on_device(from, sizeof from)};
  c2_gpu_reduce r = {.from = given[5], .weight = given[4], .level = given[2], .rows = ROWS, .paths = paths,
                     .levels = levels, .horizon = HORIZON, .first = FIRST, .steps = STEPS};
  c2_gpu_extend e = {.length = given[0], .known = given[1], .level = given[2], .path = given[3], .rows = ROWS,
                     .paths = paths, .levels = levels, .room = LENGTH + HORIZON, .horizon = HORIZON, .first = FIRST,
                     .steps = STEPS};
  e.quantiles = r.quantiles = on_device(quantiles, sizeof quantiles);
  e.context = on_device(context, sizeof context);
  RIGHT(ops->reduce(device, &r, &err));
  RIGHT(ops->extend(device, &e, &err));
  RIGHT(ops->download(device, quantiles, r.quantiles, sizeof quantiles, &err));
  RIGHT(ops->download(device, context, e.context, sizeof context, &err));
  for (size_t row = 0; row < ROWS; row++) {
    for (size_t at = 0; at < HORIZON; at++) {
      static c2_sample sample[C2_MOST_SAMPLES];
      static double scratch[2 * C2_MOST_SAMPLES];
      double right[MOST] = {0};
      for (size_t i = 0; i < samples && at >= FIRST; i++) {
        sample[i] = (c2_sample){.value = from[(row * samples + i) * STEPS + at - FIRST], .weight = weight[i]};
      }
      if (at >= FIRST) c2_weighted_quantiles(sample, samples, level, levels, right, scratch);
      for (size_t i = 0; i < levels; i++) assert_true(quantiles[(row * levels + i) * HORIZON + at] == right[i]);
      for (size_t p = 0; p < paths; p++) {
        double next = known[row * HORIZON + at];
        if (isnan(next)) next = c2_round_to_float(c2_quantile_at(level, right, 1, levels, path[p]));
        double ours = context[(row * paths + p) * (LENGTH + HORIZON) + length[row] + at];
        assert_true(ours == (at < FIRST ? 0 : next));
      }
    }
  }
  for (size_t i = 0; i < 6; i++) ops->release(device, given[i]);
  ops->release(device, r.quantiles);
  ops->release(device, e.context);
}

/* Few samples, those of a rollout, more than a block has threads, and as many as there may be. */
static void test_rollout(void **test) {
  (void)test;
  static const size_t sizes[][2] = {{3, 5}, {9, 21}, {13, 21}, {32, 32}};
  for (size_t i = 0; i < 4; i++) check_rollout(sizes[i][0], sizes[i][1]);
}

static void test_copy_and_round(void **test) {
  (void)test;
  const uint32_t from_row[3] = {4, 0, 2};
  const uint32_t to_row[3] = {1, 2, 0};
  numbers x = random_numbers(5 * 8, C2_GPU_FLOAT, 1.0);
  void *given[] = {on_device(x.value, x.count * 4), on_device(from_row, sizeof from_row),
                   on_device(to_row, sizeof to_row), on_device(NULL, 3 * 8 * 4), on_device(NULL, 3 * 8 * 2)};
  c2_gpu_copy c = {.from = given[0], .to = given[3], .from_row = given[1], .to_row = given[2], .from_stride = 32,
                   .to_stride = 32, .bytes = 32, .rows = 3};
  c2_gpu_round r = {.from = given[3], .to = given[4], .count = 24};
  RIGHT(ops->copy(device, &c, &err));
  RIGHT(ops->round(device, &r, &err));
  float *copied = read_back(given[3], 24, C2_GPU_FLOAT);
  float *narrow = read_back(given[4], 24, C2_GPU_BF16);
  for (size_t i = 0; i < 24; i++) {
    assert_true(copied[to_row[i / 8] * 8 + i % 8] == x.value[from_row[i / 8] * 8 + i % 8]);
    assert_true(narrow[i] == rounded(copied[i]));
  }
  free(copied);
  free(narrow);
  free_numbers(&x);
  for (size_t i = 0; i < 5; i++) ops->release(device, given[i]);
}

/* ---- Products ----------------------------------------------------------------------------------- */

/* The emulated device refuses to read what was never written: of A, W, the bias, and C where it is added to. */
static void test_product_reads(void **test) {
  (void)test;
  enum { ROWS = 3, COLUMNS = 16, DEPTH = 8, STRIDE = 24 };
  numbers n = random_numbers(COLUMNS * STRIDE, C2_GPU_FLOAT, 1.0);
  for (size_t left_out = 0; left_out < 5; left_out++) { /* 0: nothing */
    size_t rows = left_out == 1 ? ROWS - 1 : ROWS;
    size_t columns = left_out == 2 ? COLUMNS - 1 : COLUMNS;
    void *a = on_device(NULL, ROWS * STRIDE * sizeof(float));
    void *w = on_device(NULL, COLUMNS * DEPTH * sizeof(float));
    void *c = on_device(NULL, ROWS * COLUMNS * sizeof(float));
    void *bias = on_device(NULL, COLUMNS * sizeof(float));
    c2_gpu_product p = {.a = a, .w = w, .c = c, .a_stride = STRIDE, .c_stride = COLUMNS, .rows = ROWS,
                        .columns = COLUMNS, .depth = DEPTH, .bias = left_out == 4 ? NULL : bias,
                        .accumulate = left_out == 4};
    for (size_t i = 0; i < rows; i++) {
      RIGHT(ops->upload(device, (float *)a + i * STRIDE, n.value + i * DEPTH, DEPTH * sizeof(float), &err));
    }
    RIGHT(ops->upload(device, w, n.value, columns * DEPTH * sizeof(float), &err));
    if (left_out != 3) RIGHT(ops->upload(device, bias, n.value, COLUMNS * sizeof(float), &err));
    if (left_out) {
      assert_int_equal(ops->product(device, &p, &err), C2_ERR_IO);
      assert_non_null(strstr(err.text, "never written"));
    } else {
      RIGHT(ops->product(device, &p, &err));
      float *out = read_back(c, ROWS * COLUMNS, C2_GPU_FLOAT);
      for (size_t i = 0; i < ROWS * COLUMNS; i++) {
        double right = (double)n.value[i % COLUMNS];
        for (size_t d = 0; d < DEPTH; d++) {
          right += (double)n.value[i / COLUMNS * DEPTH + d] * (double)n.value[i % COLUMNS * DEPTH + d];
        }
        assert_near((double)out[i], right, 1e-6, "product");
      }
      free(out);
    }
    void *all[] = {a, w, c, bias};
    for (size_t i = 0; i < 4; i++) ops->release(device, all[i]);
  }
  free_numbers(&n);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_time_attention),
                                     cmocka_unit_test(test_window_reads_its_keys),
                                     cmocka_unit_test(test_group_attention), cmocka_unit_test(test_norm),
                                     cmocka_unit_test(test_rotate),          cmocka_unit_test(test_features),
                                     cmocka_unit_test(test_fit),             cmocka_unit_test(test_invert),
                                     cmocka_unit_test(test_copy_and_round),  cmocka_unit_test(test_rollout),
                                     cmocka_unit_test(test_product_reads)};
  ops = c2_cuda_device_table();
  if (ops->open(0, &device, &err) != C2_OK) return 1;
  int failed = cmocka_run_group_tests(tests, NULL, NULL);
  if (failed == 0) ops->close(device); /* which ends the program where memory was not released */
  return failed;
}

/* Attention of one head in float32 and bf16, by every level: beside sums in double; a query on its own and a prefix of
 * packed keys give the same bits. In bf16 queries and keys are int16, which is as good as float32 here. */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/cpu/attention.h"
#include "amx_emulation.h"
#include "kernels/x86/amx_body.h"
#include "random.h"

enum { HEAD = 40, KEYS = 611, QUERIES = 45, PREFIX = 301, STRIDE = HEAD + 7 };

typedef struct input {
  float q[QUERIES * STRIDE], k[KEYS * STRIDE], v[KEYS * STRIDE];
  float out[QUERIES * STRIDE];
  uint32_t row[KEYS];
  int32_t position[KEYS];
  c2_range range[QUERIES];
  c2_rope rope;
  c2_block block;
  c2_attend_scratch scratch;
  c2_attend attend;
} input;

static float held(c2_type type, float x) {
  uint32_t bits = 0;
  if (type == C2_TYPE_FP32) return x;
  memcpy(&bits, &x, sizeof bits);
  bits = (bits + 0x7fff + (bits >> 16 & 1)) & 0xffff0000u;
  memcpy(&x, &bits, sizeof x);
  return x;
}

static void carve(input *in, const c2_kernels *k, c2_type type, c2_arena *arena) {
  c2_rope_carve(&in->rope, arena, HEAD, KEYS - 1);
  c2_attend_carve(&in->scratch, arena, k, type, KEYS, HEAD, false);
}

/* Ranges of all kinds: everything, a window, one key, two pieces, an odd beginning beyond the first block. */
static input *open_input(const c2_kernels *k, c2_type type) {
  input *in = calloc(1, sizeof *in);
  c2_arena plan = {0};
  uint32_t seed = 3;
  assert_non_null(in);
  for (size_t i = 0; i < KEYS * STRIDE; i++) {
    float noise = random_signed(&seed);
    in->k[i] = noise;
    in->v[(i * 7) % (KEYS * STRIDE)] = noise;
    if (i < QUERIES * STRIDE) in->q[(i * 5) % (QUERIES * STRIDE)] = noise;
  }
  for (uint32_t i = 0; i < KEYS; i++) in->row[i] = i;
  for (int32_t i = 0; i < KEYS; i++) in->position[i] = i;
  for (uint32_t i = 0; i < QUERIES; i++) {
    c2_range ranges[] = {{0, KEYS, 0, 0},
                         {3 + i, 50 + 3 * i, 0, 0},
                         {KEYS - 1 - i, KEYS - i, 0, 0},
                         {i, i + 9, 400, KEYS},
                         {301, 600, 0, 0}};
    in->range[i] = ranges[i % 5];
  }
  carve(in, k, type, &plan);
  assert_int_equal(c2_block_open(&in->block, plan.used, NULL), C2_OK);
  memset(in->block.base, 0xff, in->block.size); /* NaN, whatever isn't written */
  c2_arena arena = {.base = in->block.base, .size = in->block.size};
  carve(in, k, type, &arena);
  c2_rope_fill(&in->rope, 10000, HEAD, KEYS - 1);
  in->attend = (c2_attend){.kernels = k, .head = HEAD, .q = in->q, .k = in->k, .v = in->v, .out = in->out,
                           .q_stride = STRIDE, .kv_stride = STRIDE, .out_stride = STRIDE, .q_row = in->row,
                           .k_row = in->row, .queries = QUERIES, .keys = KEYS, .range = in->range, .rope = &in->rope,
                           .q_position = in->position, .k_position = in->position};
  return in;
}

static void close_input(input *in) {
  c2_block_free(&in->block);
  free(in);
}

static void rotated(const input *in, const float *x, int32_t position, float *out) {
  for (size_t j = 0; j < HEAD / 2; j++) {
    float c = in->rope.cosine[(size_t)position * (HEAD / 2) + j];
    float s = in->rope.sine[(size_t)position * (HEAD / 2) + j];
    out[j] = x[j] * c - x[j + HEAD / 2] * s;
    out[j + HEAD / 2] = x[j + HEAD / 2] * c + x[j] * s;
  }
}

/* By definition, in double; what rounding the weights may change is in the bound. */
static void check_query(const input *in, c2_type type, uint32_t i) {
  const c2_range *r = &in->range[i];
  float query[HEAD];
  float key[HEAD];
  double sums[HEAD] = {0};
  double total = 0;
  rotated(in, in->q + i * STRIDE, (int32_t)i, query);
  for (uint32_t k = 0; k < KEYS; k++) {
    if (!(k >= r->first && k < r->last) && !(k >= r->first2 && k < r->last2)) continue;
    double score = 0;
    rotated(in, in->k + k * STRIDE, (int32_t)k, key);
    for (size_t j = 0; j < HEAD; j++) score += (double)query[j] * (double)key[j];
    double weight = exp(score);
    total += weight;
    for (size_t j = 0; j < HEAD; j++) sums[j] += weight * (double)held(type, in->v[k * STRIDE + j]);
  }
  for (size_t j = 0; j < HEAD; j++) {
    double bound = type == C2_TYPE_FP32 ? 2e-5 : 1.0 / 256; /* half a unit of bf16, of values up to 1 */
    double found = (double)in->out[i * STRIDE + j];
    if (!(fabs(found - sums[j] / total) <= bound)) {
      fail_msg("%s, type %d, query %u: %g, expected %g", in->attend.kernels->name, (int)type, i, found,
               sums[j] / total);
    }
  }
}

static void one_type(const c2_kernels *k, c2_type type) {
  input *in = open_input(k, type);
  input *other = open_input(k, type);
  c2_attend_run(&in->attend, &in->scratch);
  for (uint32_t i = 0; i < QUERIES; i++) check_query(in, type, i);
  for (size_t i = 0; i < QUERIES; i++) { /* alone */
    other->attend.q_row = in->row + i;
    other->attend.q_position = in->position + i;
    other->attend.range = in->range + i;
    other->attend.queries = 1;
    c2_attend_run(&other->attend, &other->scratch);
  }
  assert_memory_equal(other->out, in->out, sizeof in->out);
  memset(other->out, 0, sizeof other->out);

  uint32_t *words = malloc(c2_panels_words(type, PREFIX, HEAD) * sizeof *words); /* with the first keys packed before */
  assert_non_null(words);
  memset(words, 0xff, c2_panels_words(type, PREFIX, HEAD) * sizeof *words);
  c2_panels prefix = c2_panels_at(type, words, PREFIX, HEAD);
  other->attend = in->attend;
  other->attend.keys = PREFIX;
  c2_attend_pack(&other->attend, &prefix, &other->scratch);
  other->attend.out = other->out;
  other->attend.k_row = in->row + PREFIX;
  other->attend.k_position = in->position + PREFIX;
  other->attend.keys = KEYS - PREFIX;
  other->attend.prefix = prefix;
  c2_attend_run(&other->attend, &other->scratch);
  assert_memory_equal(other->out, in->out, sizeof in->out);
  free(words);
  close_input(in);
  close_input(other);
}

static void test_levels(void **state) {
  (void)state;
  for (const c2_level *l = c2_levels; l->kernels; l++) {
    if (!c2_level_runs(l)) {
      print_message("NOT RUN: a level %s, which this machine lacks\n", l->kernels->name);
      continue;
    }
    one_type(l->kernels, C2_TYPE_FP32);
    if (l->kernels->narrow_attention) one_type(l->kernels, C2_TYPE_BF16);
  }
}

static const c2_kernels *narrow; /* a level with narrow_attention that runs here */

/* AMX's level, with tiles that are emulated. */
static void tile_gemm(const c2_gemm *g, size_t rows, size_t first_panel, size_t last_panel) {
  (g->b.type == C2_TYPE_BF16 ? amx_gemm : narrow->gemm)(g, rows, first_panel, last_panel);
}

static void test_amx(void **state) {
  (void)state;
  for (const c2_level *l = c2_levels; l->kernels; l++) {
    if (l->kernels->narrow_attention && c2_level_runs(l)) narrow = l->kernels;
  }
  if (!narrow) {
    print_message("NOT RUN: attention by emulated tiles, for want of AVX-512 with VNNI and BF16\n");
    return;
  }
  c2_kernels emulated = *narrow;
  emulated.name = "emulated AMX";
  emulated.gemm = tile_gemm;
  for (size_t t = 0; t < C2_TYPES; t++) emulated.tile[t] = 2 * AMX_ROWS;
  one_type(&emulated, C2_TYPE_BF16);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_levels), cmocka_unit_test(test_amx)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

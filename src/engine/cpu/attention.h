/* Attention of one head over one set of keys, by tiles. Scores exist only for one tile at a time: some queries (as many
 * as the kernels' tile has rows) by KEY_BLOCK keys. A tile of a windowed pattern visits the keys of its window only. */
#ifndef C2_ENGINE_CPU_ATTENTION_H
#define C2_ENGINE_CPU_ATTENTION_H

#include "base/memory.h"
#include "engine/window.h"
#include "kernels/kernels.h"

/* Rotary angles by position, first half of a head's dimensions: [highest + 1][K / 2] each. */
typedef struct c2_rope {
  const float *cosine, *sine;
  size_t half;
} c2_rope;

void c2_rope_carve(c2_rope *rope, c2_arena *arena, size_t head, int32_t highest);
void c2_rope_fill(c2_rope *rope, double theta, size_t head, int32_t highest);

/* Keys and values of one head in the form in which attention multiplies by them: keys are rotated, and both lie in
 * panels. The type of attention is float32, or bf16 where the kernels have narrow_attention: then values and weights
 * are bf16, and queries and keys are int16 with a scale each. Scores aren't divided by anything, so they are large, and
 * bf16 would blur them. */
typedef struct c2_panels {
  c2_operand keys;   /* [K][count]: a panel holds 32 keys */
  c2_operand values; /* [count][K]: a panel holds 32 elements of each value */
  size_t count;
} c2_panels;

/* Panels of `count` keys and values of a head, for attention of that type, in c2_panels_words(type, count, head)
 * words. */
c2_panels c2_panels_at(c2_type type, uint32_t *words, size_t count, size_t head);
size_t c2_panels_words(c2_type type, size_t count, size_t head);

/* A worker's scratch for at most `keys` keys. */
typedef struct c2_attend_scratch {
  c2_panels panels;
  float *query;                 /* [tile, at least 32][K] rotated */
  float *scores;                /* [tile][scores_stride] */
  float *output;                /* [tile][ceil(K / 32) * 32] */
  float *weights;               /* [tile][scores_stride] observed so far; none without whole_rows */
  c2_operand left_query, left;  /* query and weights as left operands */
  size_t scores_stride, block;  /* block: keys per step */
} c2_attend_scratch;

/* Carves the scratch for attention of a type. `whole_rows` is set if attention will be observed. */
void c2_attend_carve(c2_attend_scratch *scratch, c2_arena *arena, const c2_kernels *kernels, c2_type type, size_t keys,
                     size_t head, bool whole_rows);

/* An observer, which is called with the normalised weights [keys] of one query. */
typedef void (*c2_weights_fn)(void *user, size_t query, const float *weights, size_t keys);

typedef struct c2_attend {
  const c2_kernels *kernels;
  size_t head; /* K */
  /* Query i is row q_row[i] of q, and its output goes to that row of out; key j and its value are row k_row[j] of k and
   * v. The pointers point at the head's first element of row 0. */
  const float *q, *k, *v;
  float *out;
  size_t q_stride, kv_stride, out_stride;
  const uint32_t *q_row, *k_row;
  size_t queries, keys;
  c2_panels prefix;                       /* keys before those, of the same type of attention; count 0: none */
  const c2_range *range;                  /* [queries]; NULL: every key */
  const c2_rope *rope;                    /* NULL: none */
  const int32_t *q_position, *k_position; /* with rope */
  c2_weights_fn observe;                  /* needs scratch for whole rows */
  void *user;
} c2_attend;

void c2_attend_run(const c2_attend *a, c2_attend_scratch *scratch);

/* Packs a's keys and values as a later attention's prefix. */
void c2_attend_pack(const c2_attend *a, const c2_panels *to, c2_attend_scratch *scratch);

#endif

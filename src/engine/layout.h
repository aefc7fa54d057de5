/* The token plan: the live tokens of all rows, stored one row after the other without padding. A token is live if its
 * patch holds an observation, or if it is REG or a future token. The others are masked: no live token sees them, so
 * they are computed only where all hidden states are wanted. Then rows are padded to the longest, and a row's masked
 * tokens follow its live ones.
 *
 * After the last layer's time attention only future tokens are needed. So there are two token sets: `all`, and `future`
 * with output_patches tokens for each row. */
#ifndef C2_ENGINE_LAYOUT_H
#define C2_ENGINE_LAYOUT_H

#include "engine/window.h"
#include "series/normalize.h"

/* Cells: a cell is the tokens of one group at one position, which attend to each other in group attention. */
typedef struct c2_cells {
  size_t count;
  uint32_t *first;  /* [count + 1] into member */
  uint32_t *member; /* token indices */
  uint32_t *keys;   /* [count] members, the first ones, that are attended to; NULL: all are */
} c2_cells;

typedef struct c2_layout {
  size_t rows, tokens, future_tokens;
  bool future_only;                      /* context tokens and REG are left out */
  size_t grouped_tokens, grouped_future; /* tokens of rows in groups of two or more, which come first */
  size_t longest;                        /* largest number of tokens in one row */
  size_t cell_bound;                     /* upper bound of the number of cells */
  size_t deepest;                        /* largest number of context patches in one row, with missing ones */
  bool blinded;                          /* some heads are blind; set between count and carve */
  bool padded;                           /* masked tokens are there too */
  bool unscaled;                         /* scalers are not fitted; set before filling */
  uint32_t *row_first;                   /* [rows + 1] */
  uint32_t *live;                        /* [rows] tokens of a row that are live: its first ones */
  uint32_t *row_of;                      /* [tokens] */
  int32_t *position;                     /* [tokens] see window.h */
  int32_t *rotation; /* [tokens] position from the first patch of the row: angles are rounded as upstream rounds them */
  c2_range *range;   /* [tokens] keys within the row */
  c2_range *blind_range; /* [tokens] those of blind heads; with blinded */
  uint32_t *identity; /* [max(tokens, future_tokens)]: 0, 1, 2, ... */
  c2_scaler *scaler;  /* [rows] */
  uint32_t *token_at; /* [rows][deepest] token of a context patch; padded only */
  bool *orphan;       /* [tokens] masked, and no token of its group at its position is live; padded only */
  c2_cells all, future;
} c2_layout;

/* Which tokens a pass computes. */
typedef enum c2_token_choice { C2_LIVE_TOKENS, C2_FUTURE_TOKENS, C2_ALL_TOKENS } c2_token_choice;

/* Counts what the batch needs. In a row without values every token counts as live. */
c2_status c2_layout_count(c2_layout *layout, const chronos2_config *config, const c2_batch *batch,
                          c2_token_choice choice, c2_error *err);

/* True if patch `index` of a row's context, after truncation, holds an observation. */
bool c2_live_patch(const c2_row *row, size_t patch, size_t context_limit, size_t index);

/* Live tokens of a row's context, REG included. */
size_t c2_context_tokens(const c2_row *row, const chronos2_config *config, const c2_batch *batch);

/* Adds the operations of a filled layout's pass with `patches` output patches; `blind` is that of c2_engine;
 * `hidden`: it ends in the hidden states of all tokens, without a head. */
void c2_layout_work(const c2_layout *layout, const chronos2_config *config, size_t patches, const bool *blind,
                    bool hidden, chronos2_work *sum);
void c2_layout_carve(c2_layout *layout, c2_arena *arena);
void c2_layout_fill(c2_layout *layout, const chronos2_config *config, const c2_batch *batch, const c2_pattern *pattern);

#endif

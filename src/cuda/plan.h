/* The tables that a pass computes on: the token plan and what follows from it. They are made here and copied to the
 * device in one piece. */
#ifndef C2_CUDA_PLAN_H
#define C2_CUDA_PLAN_H

#include "cuda/session.h"
#include "engine/layout.h"

/* Group attention of one set of tokens takes small groups by seats and large ones by tiles. */
typedef struct c2_cuda_group {
  size_t seats, tiles;
  c2_gpu_seat *seat;
  c2_gpu_tile *tile;
} c2_cuda_group;

/* All arrays lie in cuda->tables; those before `bytes` are mirrored on the device. */
typedef struct c2_cuda_plan_tables {
  c2_layout layout;
  bool carried;             /* the rows are a rollout's paths */
  size_t values, positions; /* counts of the arrays below */
  double *value;            /* contexts and known futures, row by row; of a rollout's paths the futures alone */
  c2_gpu_series_span *row;  /* [rows]; the device sets loc and scale */
  float *cosine, *sine;     /* [positions][K / 2] */
  uint32_t *place;          /* [rows] of a rollout's paths: the slot */
  uint32_t *reg;            /* [rows] REG tokens; none in a decode */
  uint32_t *future;         /* [future tokens] */
  int32_t *future_rotation; /* [future tokens] */
  uint32_t *context;        /* prefill: [context tokens] */
  size_t contexts;
  uint8_t *blind; /* [layers][heads] */
  size_t time_tiles, future_tiles;
  c2_gpu_tile *time_tile;   /* of all tokens */
  c2_gpu_tile *future_tile; /* of future tokens, whose queries lie apart */
  c2_cuda_group all, last;  /* of all tokens, of future ones */
  size_t blanks, blind_blanks;
  c2_gpu_seat *blank, *blind_blank; /* [masked tokens] that see no key, in other heads and in blind ones */
  size_t bytes;                     /* of the tables above */
  double *quantiles;                /* [rows][Q][P patches] as they arrive */
  float *hidden;                    /* [tokens][D] padded, as they arrive */
  float *weights;                   /* [watched queries][H][watched keys] of attention, as they arrive */
  size_t watched_queries, watched_keys; /* of a piece that is observed; 0: attention isn't */
  float *observed;                  /* [threads][tokens of a padded row] what an observer gets */
  bool *observed_live;              /* the same */
  size_t observed_tokens;
  size_t total; /* bytes of everything */
} c2_cuda_plan_tables;

/* What a pass is asked to compute. */
typedef struct c2_cuda_asked {
  const c2_batch *batch;
  const c2_result *result;  /* NULL: of a prefill */
  const c2_cuda_kv *recall; /* of a decode; NULL: none */
  bool at_most;             /* count what the pass may take, whatever the rows' values are */
} c2_cuda_asked;

/* Computes counts and sizes; it writes no table. */
c2_status c2_cuda_plan_measure(c2_cuda_plan_tables *plan, const c2_engine *engine, const c2_cuda_asked *asked,
                               c2_error *err);

/* Makes the tables of a measured plan. */
c2_status c2_cuda_plan_fill(c2_cuda_plan_tables *plan, c2_engine *engine, const c2_cuda_asked *asked, c2_error *err);

#endif

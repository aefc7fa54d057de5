/* What a pass computes on: the token plan and what follows from it, made here and copied to the device in one piece. */
#ifndef C2_CUDA_PLAN_H
#define C2_CUDA_PLAN_H

#include "cuda/session.h"
#include "engine/layout.h"

/* Group attention of one token set: small groups by seats, large ones by tiles. */
typedef struct c2_cuda_group {
  size_t seats, tiles;
  c2_gpu_seat *seat;
  c2_gpu_tile *tile;
} c2_cuda_group;

/* All arrays lie in cuda->tables; c2_cuda_mirrored gives their place on the device. */
typedef struct c2_cuda_plan_tables {
  c2_layout layout;
  size_t values, positions; /* counts of the arrays below */
  double *value;            /* contexts and known futures, row by row */
  c2_gpu_series_span *row;  /* [rows] */
  float *cosine, *sine;     /* [positions][K / 2] */
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
  size_t bytes;
} c2_cuda_plan_tables;

/* Plans a pass. `cache`: of a decode; NULL: none. */
c2_status c2_cuda_plan_open(c2_cuda_plan_tables *plan, c2_engine *engine, const c2_batch *batch,
                            const c2_cuda_kv *cache, c2_error *err);

#endif

/* What a device does for a forward pass: memory, products, and the kernels of this folder. The forward pass (pass.c)
 * is C and knows no CUDA; a library that is loaded at run time (loader.c) gives it this table.
 *
 * Pointers called "device" lie in the device's memory. Matrices are row-major; strides count elements. All rows begin
 * at multiples of 16 bytes. What a call starts runs in the order of the calls; `download` waits for it.
 *
 * Shapes: T tokens, H heads, K a head's padded size (32, 64 or 128). */
#ifndef C2_CUDA_DEVICE_H
#define C2_CUDA_DEVICE_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
  C2_TILE_QUERIES = 64,   /* most queries of a tile of attention */
  C2_MOST_SAMPLES = 1024, /* most samples of a step that `reduce` takes */
};

/* C2_GPU_TF32: float32 of which a product reads the first 10 bits of the fraction; operands alone have it. */
typedef enum c2_gpu_element { C2_GPU_FLOAT = 0, C2_GPU_BF16 = 1, C2_GPU_TF32 = 2 } c2_gpu_element;

typedef struct c2_device c2_device;
typedef struct c2_gpu_graph c2_gpu_graph;

/* The arguments of operations are compared byte by byte (program.h), so none has gaps. */
#if !defined(__cplusplus)
#pragma GCC diagnostic push
#pragma GCC diagnostic error "-Wpadded"
#endif

/* Computes C = A W^T + bias, or C += A W^T, and then relu. W is [columns][depth], as a model stores it. Sums are
 * float32, whatever the operands are. */
typedef struct c2_gpu_product {
  const void *a; /* device [rows][depth] */
  const void *w; /* device [columns][depth], of A's type, without gaps */
  void *c;       /* device [rows][columns] */
  size_t a_stride, c_stride;
  size_t rows, columns, depth; /* columns and depth are multiples of 8 */
  const float *bias;           /* device [columns]; NULL: none */
  c2_gpu_element type, c_type;
  uint32_t relu, accumulate; /* 0 or 1 */
} c2_gpu_product;

/* Where a row's values lie, and what its scaler is. */
typedef struct c2_gpu_series_span {
  uint64_t context, context_length; /* within `contexts`; ends where the context ends */
  uint64_t future, future_length;   /* known values within `futures` */
  double loc, scale;
} c2_gpu_series_span;

/* Sets each row's loc and scale from its context, as c2_scaler_fit does. */
typedef struct c2_gpu_fit {
  const double *contexts;
  c2_gpu_series_span *row; /* [rows] */
  size_t rows;
} c2_gpu_fit;

/* Writes the features of each token, [T][3 patch]: its times, values and mask. Those of REG, and the rest of a row,
 * are 0. */
typedef struct c2_gpu_features {
  const double *contexts, *futures;
  const c2_gpu_series_span *row;
  const uint32_t *row_of;  /* [T] */
  const int32_t *position; /* [T] as in engine/window.h */
  float *out;              /* [T][stride] */
  size_t tokens, patch, stride;
  double time_scale;
  uint64_t arcsinh; /* 0 or 1 */
} c2_gpu_features;

/* Computes out = weight x / sqrt(mean(x^2) + epsilon) (Zhang and Sennrich 2019) over the first `columns` of
 * `padded`. The rest become 0, because weight is 0 there. */
typedef struct c2_gpu_norm {
  const float *x, *weight;
  void *out;
  c2_gpu_element type; /* of out */
  float epsilon;
  size_t x_stride, out_stride;
  size_t rows, columns, padded;
} c2_gpu_norm;

/* Applies the rotary embedding in place to `heads` heads that lie side by side. It rotates halves, not pairs. */
typedef struct c2_gpu_rotate {
  void *x;
  c2_gpu_element type;
  uint32_t head; /* K */
  size_t stride, rows, heads;
  size_t half; /* half of a head's own size */
  const int32_t *position;          /* [rows] into the tables */
  const float *cosine, *sine;       /* [positions][half] */
} c2_gpu_rotate;

/* Copies to[to_row[i]] = from[from_row[i]]; a row has `bytes`, a multiple of 16. A list that is NULL is 0, 1, 2, ... */
typedef struct c2_gpu_copy {
  const void *from;
  void *to;
  const uint32_t *from_row, *to_row;
  size_t from_stride, to_stride, bytes, rows; /* strides in bytes */
} c2_gpu_copy;

/* Rounds float32 to bf16. */
typedef struct c2_gpu_round {
  const float *from;
  void *to; /* bf16 */
  size_t count;
} c2_gpu_round;

/* A query sees the keys [first, last) and [first2, last2) of its row's tokens; either may be empty. The struct is
 * laid out as c2_range. */
typedef struct c2_gpu_visible {
  uint32_t first, last, first2, last2;
} c2_gpu_visible;

/* A tile has at most C2_TILE_QUERIES queries of one row, and the keys that any of them sees. */
typedef struct c2_gpu_tile {
  uint32_t query, queries;   /* first place in q_row, and how many */
  uint32_t limit;            /* first place in `visible` */
  uint32_t key;              /* place in k_row of the row's key 0 */
  uint32_t past, past_count; /* rows of past_k, seen by every query */
  c2_gpu_visible span;
} c2_gpu_tile;

/* Computes out = softmax(q k^T) v for each head; q and k are rotated already. No score is stored. */
typedef struct c2_gpu_attend {
  c2_gpu_element type;
  uint32_t head;
  const void *q, *k, *v; /* [rows][H K], by q_row and k_row */
  const void *past_k, *past_v;
  void *out; /* by q_row */
  size_t q_stride, kv_stride, past_stride, out_stride;
  size_t heads;
  const c2_gpu_tile *tile;
  size_t tiles;
  const uint32_t *q_row, *k_row; /* NULL: 0, 1, 2, ... */
  const c2_gpu_visible *visible;     /* NULL: every query sees its tile's span */
  const c2_gpu_visible *blind_visible;
  const uint8_t *blind; /* [H] heads that take blind_visible; NULL: none */
} c2_gpu_attend;

/* A token of a small group, and those that it attends to: member[first .. first + count). */
typedef struct c2_gpu_seat {
  uint32_t token, first, count;
} c2_gpu_seat;

/* Computes the same for sets of few keys. A warp takes a seat and a head. */
typedef struct c2_gpu_attend_seats {
  c2_gpu_element type;
  uint32_t head;
  const void *q, *k, *v;
  void *out;
  size_t stride, out_stride, heads;
  const c2_gpu_seat *seat;
  const uint32_t *member;
  size_t seats;
} c2_gpu_attend_seats;

/* Writes the weights of time attention for an observer: out[query][head][key] of the queries of some tiles, from the
 * first tile's first query on. Keys are the past, then all tokens of the row; those that the query doesn't see get
 * 0. */
typedef struct c2_gpu_weights {
  c2_gpu_attend of; /* its v and out are not used */
  float *out;       /* [queries][heads][stride] */
  size_t stride;
} c2_gpu_weights;

/* Sets out[token] to the mean of v over tokens [first, first + count), in the heads whose `blind` is `only`: the
 * attention of a masked query that sees no key. Seats' members are tokens themselves. */
typedef struct c2_gpu_spread {
  c2_gpu_element type;
  uint32_t only; /* 0 or 1 */
  const void *v;
  void *out;
  size_t v_stride, out_stride, heads, head;
  const c2_gpu_seat *seat;
  size_t seats;
  const uint8_t *blind; /* [H]; NULL: no head is blind */
} c2_gpu_spread;

/* Sets x[orphan] to the mean over all rows of x at the orphan's context patch; c2_layout says what an orphan is. */
typedef struct c2_gpu_means {
  void *x;
  c2_gpu_element type;
  uint32_t columns;
  size_t stride, rows, patches;
  const uint32_t *token_at; /* [rows][patches] */
  const uint8_t *orphan;    /* [T] */
} c2_gpu_means;

/* Takes quantiles back to the units of their series: out[place[row]][q][step] = sinh(z) scale + loc. */
typedef struct c2_gpu_invert {
  const float *z; /* [rows patches][stride], quantile by quantile */
  const c2_gpu_series_span *row;
  double *out; /* [rows][quantiles][patches patch] */
  const uint32_t *place; /* [rows]; NULL: 0, 1, 2, ... */
  size_t rows, patches, patch, quantiles, stride;
  uint64_t arcsinh; /* 0 or 1 */
} c2_gpu_invert;

/* Appends steps [first, first + steps) of the forecast, as far as the horizon goes, to the contexts of a rollout's
 * paths. A step is the known value, or the path's quantile as float32. */
typedef struct c2_gpu_extend {
  double *context;         /* [rows][paths][room] */
  const uint64_t *length;  /* [rows] steps of a context before the forecast */
  const double *known;     /* [rows][horizon]; NaN: unknown */
  const double *quantiles; /* [rows][levels][horizon] */
  const double *level;     /* [levels] */
  const double *path;      /* [paths] the level that a path goes on with */
  size_t rows, paths, levels, room, horizon, first, steps;
} c2_gpu_extend;

/* Takes the paths' quantiles of steps [first, first + steps) as weighted samples and computes the row's quantiles of
 * them, as c2_weighted_quantiles does. */
typedef struct c2_gpu_reduce {
  const double *from;   /* [rows][paths][levels][steps] */
  const double *weight; /* [paths][levels] */
  const double *level;  /* [levels] */
  double *quantiles;    /* [rows][levels][horizon] */
  size_t rows, paths, levels, horizon, first, steps;
} c2_gpu_reduce;

#if !defined(__cplusplus)
#pragma GCC diagnostic pop
#endif

/* These are all operations; each takes a struct of its name. */
#define C2_GPU_OPERATIONS(X) \
  X(product)                 \
  X(fit)                     \
  X(features)                \
  X(norm)                    \
  X(rotate)                  \
  X(copy)                    \
  X(round)                   \
  X(attend)                  \
  X(attend_seats)            \
  X(weights)                 \
  X(spread)                  \
  X(means)                   \
  X(invert)                  \
  X(extend)                  \
  X(reduce)

typedef struct c2_device_table {
  uint32_t version; /* C2_DEVICE_VERSION, by cmake/device.cmake; nothing else is read if it differs */
  /* Opens the index-th device that the process sees. */
  c2_status (*open)(size_t index, c2_device **device, c2_error *err);
  void (*close)(c2_device *device);

  c2_status (*allocate)(c2_device *device, size_t bytes, void **memory, c2_error *err);
  void (*release)(c2_device *device, void *memory);
  c2_status (*upload)(c2_device *device, void *to, const void *from, size_t bytes, c2_error *err);
  c2_status (*download)(c2_device *device, void *to, const void *from, size_t bytes, c2_error *err);

  c2_status (*wait)(c2_device *device, c2_error *err); /* until all that was started is done */
  size_t (*overhead)(const c2_device *device);           /* bytes of memory that it takes beside what is allocated */

  /* Between `capture` and `captured` operations are recorded, not run; no other call is allowed there. Every capture
   * is ended by `captured`, after a failure too. *graph runs all of them by one call, with the arguments they had. */
  c2_status (*capture)(c2_device *device, c2_error *err);
  c2_status (*captured)(c2_device *device, c2_gpu_graph **graph, c2_error *err);
  c2_status (*replay)(c2_device *device, c2_gpu_graph *graph, c2_error *err);
  void (*forget)(c2_device *device, c2_gpu_graph *graph);

#define C2_GPU_MEMBER(name) c2_status (*name)(c2_device *device, const c2_gpu_##name *arguments, c2_error *err);
  C2_GPU_OPERATIONS(C2_GPU_MEMBER)
#undef C2_GPU_MEMBER
} c2_device_table;

/* The library exports this one symbol. */
#define C2_DEVICE_SYMBOL "c2_cuda_device_table"
typedef const c2_device_table *(*c2_device_table_fn)(void);

#ifdef __cplusplus
}
#endif

#endif

/* A backend: where and how forward passes are computed. Batches and results lie in the host's memory, where the token
 * plan (layout.h, window.h) is made for all backends. A backend's weights, workspace, keys and values are its own. An
 * operation that a backend lacks is NULL, and asking for it is C2_ERR_UNSUPPORTED. */
#ifndef C2_ENGINE_BACKEND_H
#define C2_ENGINE_BACKEND_H

#include "engine/engine.h"

/* The KV cache, which a prefill fills: keys and values of time attention for every layer and head, of the live context
 * tokens of a batch (REG is one). They don't depend on any known future. A backend's own struct begins with this. */
typedef struct c2_kv_cache {
  const struct c2_backend *backend;
  size_t bytes;
} c2_kv_cache;

/* A rollout: rows whose paths are forecast on together. */
typedef struct c2_rollout_shape {
  const c2_row *row; /* [rows]; quantiles [levels][horizon] */
  size_t rows;
  const double *levels; /* [paths] the quantile levels that the paths go on with */
  size_t paths;
  size_t horizon, done;  /* steps; `done` of them are forecast already */
  size_t context_limit;  /* steps of a row's context that the paths begin with, at most */
  size_t steps;          /* of the longest pass of paths */
} c2_rollout_shape;

/* The paths of a rollout in a backend's memory: contexts, and what their passes forecast. Path p of row r has the slot
 * r * paths + p. A backend's own struct begins with this. */
typedef struct c2_paths {
  const struct c2_backend *backend;
} c2_paths;

/* What lies between the passes of a rollout where the backend keeps the paths; nothing is copied here until the end. */
typedef struct c2_paths_ops {
  size_t most; /* paths times quantile levels at most */

  /* Bytes that `open` allocates, here and there. Of the rows it reads lengths. */
  size_t (*bytes)(const c2_engine *engine, const c2_rollout_shape *shape);

  /* Takes contexts, known futures and the quantiles of the first `done` steps, by which it extends the contexts. Close
   * also after a failure, unless *paths is NULL. */
  c2_status (*open)(c2_engine *engine, const c2_rollout_shape *shape, c2_paths **paths, c2_error *err);

  /* After a pass over all paths: makes the rows' quantiles of the next `steps` steps, and extends the contexts. */
  c2_status (*next)(c2_engine *engine, c2_paths *paths, size_t steps, c2_error *err);

  /* Copies the quantiles of all steps to the rows. */
  c2_status (*take)(c2_engine *engine, c2_paths *paths, const c2_rollout_shape *shape, c2_error *err);
  void (*close)(c2_paths *paths);
} c2_paths_ops;

/* What passes take at most, in bytes. What one pass has left as it was is still there when another needs more of
 * something else: so the most of each part is kept, and they are added up at the end. */
typedef struct c2_need {
  size_t workspace; /* the block that a backend computes in, in its own memory */
  size_t tables;    /* what it keeps here beside that, if its memory is another */
  size_t held;      /* by a pass beside both */
} c2_need;

/* Makes *need enough for `other` too. */
void c2_need_join(c2_need *need, const c2_need *other);

typedef struct c2_backend {
  const char *name; /* as --backend spells it */
  bool pads;        /* pads rows to the longest of a pass, so that results depend, by rounding, on the other rows */
  bool small_passes; /* a pass that just keeps its threads busy takes no longer a token than a large one */

  /* Makes this backend's copy of the weights of a model that is being opened. */
  c2_status (*load)(chronos2_model *model, const chronos2_model_options *options, c2_error *err);

  /* Sets engine->state, ->isa and ->threads; close follows after a failure too. */
  c2_status (*open)(c2_engine *engine, const chronos2_session_options *options, c2_error *err);
  void (*close)(c2_engine *engine);

  /* Sets *need to what `forward` would take at most, whatever the rows' values are. It reads no value and computes
   * nothing. A row may know its future where its future_length isn't 0. */
  c2_status (*plan)(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_need *need, c2_error *err);

  c2_status (*forward)(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_error *err);
  c2_status (*prefill)(c2_engine *engine, const c2_batch *batch, c2_kv_cache **cache, c2_error *err);
  c2_status (*decode)(c2_engine *engine, const c2_batch *batch, const c2_kv_cache *cache, const c2_result *result,
                      c2_error *err);
  void (*free_cache)(c2_kv_cache *cache);
  const c2_paths_ops *paths; /* NULL: the paths of a rollout are rows like others */

  /* Gives the workspace back. */
  void (*trim)(c2_engine *engine);
} c2_backend;

extern const c2_backend c2_cpu_backend;       /* fast: engine/cpu/ */
extern const c2_backend c2_cuda_backend;      /* on a GPU: cuda/ */
extern const c2_backend c2_reference_backend; /* pads and masks, to be read beside MODEL.md: reference.c */

/* Finds a backend by the device, which is "cpu" (or NULL), "cuda" or "cuda:N", and by its name. If there is no such
 * backend, the failure is C2_ERR_ARGUMENT. */
c2_status c2_backend_find(const char *device, chronos2_backend asked, const c2_backend **out, c2_error *err);

/* The instruction set that "auto" takes: by CHRONOS2_ISA in the environment, which may be in error. */
c2_status c2_isa_of_auto(chronos2_dtype dtype, const char **name, c2_error *err);

/* Opens a model, or makes one of random weights, and lets the backend make its copy of the weights unless the options
 * skip that. On failure *model is NULL. */
c2_status c2_load_model(const char *folder, const chronos2_model_options *options, chronos2_model **model,
                        c2_error *err);
c2_status c2_load_random(const chronos2_config *config, uint64_t seed, const chronos2_model_options *options,
                         chronos2_model **model, c2_error *err);

/* Opens an engine whose model and backend are set. Close it also after a failure. */
c2_status c2_engine_open(c2_engine *engine, const chronos2_session_options *options, c2_error *err);
void c2_engine_close(c2_engine *engine);

/* Gives back what a backend can spare between passes, and begins new high-water marks at what stays. */
void c2_engine_trim(c2_engine *engine);

/* Sets *need to what c2_forward would take at most for a sorted batch of this shape. It reads no value. Of `result` it
 * only matters which pointers are NULL. */
c2_status c2_plan(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_need *need, c2_error *err);

/* Forecasts a sorted batch. */
c2_status c2_forward(c2_engine *engine, const c2_batch *batch, const c2_result *result, c2_error *err);

/* Encodes the contexts of a sorted batch under windowed_future_global or windowed_future_null; its futures are not
 * read. Under windowed_future_null the contexts see `output_patches` tokens of a future of which nothing is known. On
 * failure *cache is NULL. Neither this attention nor that of c2_decode can be observed. */
c2_status c2_prefill(c2_engine *engine, const c2_batch *batch, c2_kv_cache **cache, c2_error *err);
void c2_kv_cache_free(c2_kv_cache **cache);

/* Does what c2_forward does, bit for bit unless cuBLAS multiplies, but the contexts come from a prefill. The batch has
 * the same rows in the same groups, with any futures and output patches; or several times the same rows, each time in
 * groups of their own. The row of slot s continues the prefilled row of slot s modulo the number of those. */
c2_status c2_decode(c2_engine *engine, const c2_batch *batch, const c2_kv_cache *cache, const c2_result *result,
                    c2_error *err);

#endif

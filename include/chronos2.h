/* chronos2.h - Chronos-2 time-series forecasting in C.
 *
 *     chronos2_model *model = NULL;
 *     chronos2_session *session = NULL;
 *     chronos2_forecast *forecast = NULL;
 *     chronos2_series series = {.length = n, .targets = 1, .target = values};
 *     if (chronos2_model_open("models/chronos2-micro", NULL, &model) == CHRONOS2_OK &&
 *         chronos2_session_open(model, NULL, &session) == CHRONOS2_OK &&
 *         chronos2_predict(session, &series, 1, &(chronos2_predict_options){.horizon = 24}, &forecast) == CHRONOS2_OK)
 *       printf("median of the next step: %g\n", chronos2_forecast_median(forecast, 0, 0)[0]);
 *     else
 *       fprintf(stderr, "%s\n", chronos2_last_error());
 *     chronos2_forecast_free(&forecast), chronos2_session_close(&session), chronos2_model_close(&model);
 *
 * A model is loaded once, immutable, and may be shared by any number of threads. A session holds the
 * memory and the threads of one forecaster and belongs to one thread at a time. The narrow waist is
 * deliberate: callers know series, quantiles and options, never tensors, kernels or instruction sets.
 *
 * Every call that can fail returns a chronos2_status; chronos2_last_error() then has one line of text
 * (per thread, valid until that thread's next call). The library never prints, exits or aborts.
 * A missing value is NaN. Infinite values are refused. Arrays are row-major.
 *
 * A pointer that is NULL, and isn't said to be allowed to, is CHRONOS2_ERROR_ARGUMENT. Functions without a status
 * give NULL, 0 or an empty struct for a NULL handle; those that close or set something then do nothing.
 *
 * After fork() the child has its own copy of everything, but no worker thread: calls on an inherited session run on the
 * calling thread, with the same results, and chronos2_session_close frees its memory. Workers block all signals but
 * those of faults. */
#ifndef CHRONOS2_H
#define CHRONOS2_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#if defined(CHRONOS2_BUILDING) && defined(__GNUC__)
#define CHRONOS2_API __attribute__((visibility("default")))
#else
#define CHRONOS2_API
#endif

/* Version of this interface: the first number changes when a caller must. */
#define CHRONOS2_API_MAJOR 0
#define CHRONOS2_API_MINOR 1

typedef enum chronos2_status {
  CHRONOS2_OK = 0,
  CHRONOS2_ERROR_ARGUMENT = 1,    /* an argument is impossible */
  CHRONOS2_ERROR_MEMORY = 2,      /* an allocation failed */
  CHRONOS2_ERROR_IO = 3,          /* the system refused to open or read */
  CHRONOS2_ERROR_FORMAT = 4,      /* a file is not what it should be */
  CHRONOS2_ERROR_MODEL = 5,       /* a model folder is incomplete or inconsistent */
  CHRONOS2_ERROR_UNSUPPORTED = 6, /* valid, but not implemented or not on this machine */
  CHRONOS2_ERROR_CANCELLED = 7    /* a callback asked to stop */
} chronos2_status;

/* Text of this thread's last failure; empty if there was none. */
CHRONOS2_API const char *chronos2_last_error(void);

/* "0.1.0". */
CHRONOS2_API const char *chronos2_version(void);

/* Highest instruction set that this library can use on this machine: "scalar", "avx2", "avx512". */
CHRONOS2_API const char *chronos2_isa(void);

/* What multiplies matrices: "built-in". */
CHRONOS2_API const char *chronos2_gemm(void);

/* ---- Model ------------------------------------------------------------------------------------ */

typedef struct chronos2_model chronos2_model;

/* Architecture of a model, as config.json gives it. */
typedef struct chronos2_config {
  size_t d_model, d_kv, d_ff, layers, heads;
  size_t patch;              /* observations per token */
  size_t context_length;     /* observations the model was made for */
  size_t max_output_patches; /* future tokens of one pass; longer horizons are rolled out */
  size_t quantiles;          /* number of quantile levels */
  double quantile_levels[64];
  double time_encoding_scale;
  double layer_norm_epsilon;
  double rope_theta;
  double initializer_factor;
  bool use_arcsinh, use_reg_token;
} chronos2_config;

typedef struct chronos2_tensor_info {
  const char *name;
  const char *dtype; /* "F32", "F16", "BF16", "F64" as stored */
  size_t dims;
  size_t shape[4];
  double mean, deviation;   /* over its elements */
  double initial_deviation; /* that the upstream initialisation would give it; 0 if it is a constant */
} chronos2_tensor_info;

/* Of the encoder's matrices and of what is multiplied by them; all else is float32 whatever it is. Made when the model
 * is opened: bf16 takes about half of float32's memory, int8 a quarter. */
typedef enum chronos2_dtype { CHRONOS2_FP32 = 0, CHRONOS2_BF16 = 1, CHRONOS2_INT8 = 2 } chronos2_dtype;

typedef enum chronos2_isa_level {
  CHRONOS2_ISA_AUTO = 0,
  CHRONOS2_ISA_SCALAR = 1,
  CHRONOS2_ISA_AVX2 = 2,
  CHRONOS2_ISA_AVX512 = 3,
  CHRONOS2_ISA_AMX = 4 /* bf16 by AMX's tiles: auto doesn't choose it yet */
} chronos2_isa_level;

typedef struct chronos2_model_options {
  bool skip_packing;    /* don't make the fused backend's copy of the weights (reference only); default false */
  const char *adapter;  /* PEFT folder of a LoRA adapter to merge into the weights; default none */
  chronos2_dtype dtype; /* default fp32; the reference backend knows no other */
  const char *cache;    /* folder for a packed copy of the weights that later processes map and share, instead of
                           packing their own; made if it isn't there; as large as the weights. Contents decide
                           whether a copy fits, and a cache that can't be used or written is a warning
                           (chronos2_model_warning). Nobody may write into a copy; default none */
  int threads;          /* that check and pack the weights; 0 = processors this process may use; default 0 */
  chronos2_isa_level isa; /* that multiplies two of the weights' matrices while packing; default auto (and
                             CHRONOS2_ISA in the environment) */
} chronos2_model_options;

/* Opens a Hugging Face model folder: config.json and model.safetensors (or sharded weights with
 * model.safetensors.index.json). Every tensor must be there with its shape, and no other; float16, bfloat16 and float64
 * are converted to float32, and the prefixes "_orig_mod." and "module." of PyTorch's wrappers are taken off the names.
 * A folder that holds a LoRA adapter instead opens its base model, if that is a folder, and merges it.
 * The model keeps the files open. It computes with its own copy of the weights: what is written to the files
 * afterwards never changes a forecast, and makes chronos2_model_tensor and the reference backend fail.
 * `options` may be NULL. On failure *model is NULL. */
CHRONOS2_API chronos2_status chronos2_model_open(const char *folder, const chronos2_model_options *options,
                                                 chronos2_model **model);

/* A model of the given shape with random weights, for benchmarks. Same seed, same weights. Of `options` (may be NULL)
 * dtype, skip_packing and threads are used. */
CHRONOS2_API chronos2_status chronos2_model_random(const chronos2_config *config, uint64_t seed,
                                                   const chronos2_model_options *options, chronos2_model **model);

/* Configurations of known shapes: "base" (amazon/chronos-2), "small" (chronos-2-small), "micro" (the
 * bundled checkpoint). An unknown name is CHRONOS2_ERROR_ARGUMENT. */
CHRONOS2_API chronos2_status chronos2_config_named(const char *name, chronos2_config *config);

/* Which key tokens a query token of time attention sees. Order of a row's tokens: context, REG, future. */
typedef enum chronos2_attention {
  CHRONOS2_AUTO = 0,                    /* as the weights were trained: the model's first pattern */
  CHRONOS2_FULL = 1,                    /* all */
  CHRONOS2_WINDOWED_FUTURE_GLOBAL = 2,  /* context (REG is one): context at most `radius` away; future: all */
  CHRONOS2_WINDOWED_FUTURE_VISIBLE = 3, /* as before, but context also sees every future token */
  CHRONOS2_WINDOWED_FUTURE_NULL = 4     /* as before, but the future tokens that context sees are the null future's, of
                                           which no value is known; the real future then sees that context */
} chronos2_attention;

/* "auto", "full", "windowed_future_global", ...; NULL for another value. */
CHRONOS2_API const char *chronos2_attention_name(chronos2_attention attention);

/* The other way round; an unknown name is CHRONOS2_ERROR_ARGUMENT, whose text lists the names. */
CHRONOS2_API chronos2_status chronos2_attention_named(const char *name, chronos2_attention *attention);

typedef struct chronos2_pattern {
  chronos2_attention attention;
  double radius;   /* in tokens, a whole number >= 0 or INFINITY; without meaning under full */
  bool reg_global; /* the REG query sees the whole context; without meaning under full */
} chronos2_pattern;

CHRONOS2_API void chronos2_model_close(chronos2_model **model); /* no session may be open; accepts NULL inside */
CHRONOS2_API const chronos2_config *chronos2_model_config(const chronos2_model *model);
CHRONOS2_API chronos2_dtype chronos2_model_dtype(const chronos2_model *model);

/* One line on what the opening did otherwise than asked, for the user to read: the cache was damaged or can't be
 * written. NULL if there is nothing to say. The text lives as long as the model. */
CHRONOS2_API const char *chronos2_model_warning(const chronos2_model *model);
CHRONOS2_API size_t chronos2_model_parameters(const chronos2_model *model);
CHRONOS2_API size_t chronos2_model_bytes(const chronos2_model *model); /* memory held, mapped files aside */
CHRONOS2_API size_t chronos2_model_tensors(const chronos2_model *model);
CHRONOS2_API chronos2_status chronos2_model_tensor(const chronos2_model *model, size_t index,
                                                   chronos2_tensor_info *info);

/* The patterns that the weights were trained for, as "time_attention" in config.json says: at least one; without the
 * key, and of random weights, full attention alone. An index out of range gives zeros. */
CHRONOS2_API size_t chronos2_model_patterns(const chronos2_model *model);
CHRONOS2_API chronos2_pattern chronos2_model_pattern(const chronos2_model *model, size_t index);

/* True if the weights were trained for this pattern. CHRONOS2_AUTO always is one. */
CHRONOS2_API bool chronos2_model_trained_for(const chronos2_model *model, chronos2_pattern pattern);

/* What this pattern was measured to do to MASE beside the model's first one, as "time_attention_measured" in
 * config.json says: *mase_change is relative (0.71: 71% more), *tasks how many it is the mean of; both may be NULL.
 * False, and neither is set, if it was not measured. */
CHRONOS2_API bool chronos2_model_measured(const chronos2_model *model, chronos2_pattern pattern, double *mase_change,
                                          size_t *tasks);

/* Do the weights look trained? By a sample of the query and key matrices, without a forward pass. */
typedef struct chronos2_training {
  double moved; /* factor, at least 1, by which their deviations lie from a random start's: geometric mean */
  double score; /* deviation of time attention's scores that such matrices give, mean of layers: near 0, attention
                   weighs all tokens alike */
  bool trained; /* moved is at least 1.05 and score at least 0.3 */
} chronos2_training;
CHRONOS2_API chronos2_training chronos2_model_training(const chronos2_model *model);

/* ---- Session ---------------------------------------------------------------------------------- */

typedef struct chronos2_session chronos2_session;

typedef enum chronos2_backend { CHRONOS2_FUSED = 0, CHRONOS2_REFERENCE = 1 } chronos2_backend;
typedef struct chronos2_session_options {
  chronos2_attention attention; /* default auto: as the weights were trained */
  double radius;                /* in tokens, a whole number >= 0 or INFINITY; ignored by auto and full; default 0 */
  bool reg_global;              /* the REG query sees the whole context; default false (auto: as trained) */
  chronos2_backend backend;     /* default fused */
  chronos2_isa_level isa;       /* only lowers the level; default auto (and CHRONOS2_ISA in the environment) */
  int threads;                  /* 0 = processors this process may use; default 0 */
  bool pin;                     /* bind each worker to a processor, the caller's thread during a call; default false */
} chronos2_session_options;

CHRONOS2_API void chronos2_session_options_init(chronos2_session_options *options);

/* `options` may be NULL. The model must outlive the session. On failure *session is NULL. */
CHRONOS2_API chronos2_status chronos2_session_open(const chronos2_model *model, const chronos2_session_options *options,
                                                   chronos2_session **session);
CHRONOS2_API void chronos2_session_close(chronos2_session **session);

/* Changes pattern and radius for the calls that follow. Arguments as in chronos2_session_options. */
CHRONOS2_API chronos2_status chronos2_session_set_attention(chronos2_session *session, chronos2_attention attention,
                                                            double radius, bool reg_global);

/* A head of time attention; layers and heads are counted from 0. */
typedef struct chronos2_head {
  size_t layer, head;
} chronos2_head;

/* In the calls that follow, no context token (REG is one) sees a future token, or the null future, in these heads,
 * whatever the pattern shows it; the other heads and the queries of future tokens are as before. It shows what a head
 * needs the future for. `count` 0, where `heads` may be NULL: no head is blind, as after opening. A head that the model
 * doesn't have is CHRONOS2_ERROR_ARGUMENT and changes nothing. An encoded context keeps the heads of its encoding. */
CHRONOS2_API chronos2_status chronos2_session_set_blind_heads(chronos2_session *session, const chronos2_head *heads,
                                                              size_t count);

/* The pattern that the session runs: never CHRONOS2_AUTO. */
CHRONOS2_API chronos2_pattern chronos2_session_pattern(const chronos2_session *session);

CHRONOS2_API const char *chronos2_session_isa(const chronos2_session *session);
CHRONOS2_API int chronos2_session_threads(const chronos2_session *session);

/* High-water mark of the memory that was allocated at once for this session's calls, since it was opened or the mark
 * was last reset: workspace, what a call holds beside it, what it returns, the context it forecasts from, and the
 * model's copy of the weights. What the caller holds between calls, mapped files and small temporary lists aside. */
CHRONOS2_API size_t chronos2_session_peak_bytes(const chronos2_session *session);
CHRONOS2_API void chronos2_session_reset_peak(chronos2_session *session);

/* Floating-point operations that this session's forward passes asked for since it was opened or this was last
 * reset: by the pattern, over tokens that are there, a multiply-add as two. Of the fused backend, without contexts
 * that are encoded once and without series that are forecast beside the null future. */
typedef struct chronos2_work {
  double embed;
  double time_projection; /* queries, keys, values and output of time attention */
  double time_attention;  /* its scores and weighted sums: what a window saves */
  double group_attention; /* projections and all */
  double feed_forward;
  double head;
} chronos2_work;
CHRONOS2_API chronos2_work chronos2_session_work(const chronos2_session *session);
CHRONOS2_API void chronos2_session_reset_work(chronos2_session *session);

/* Calls `progress(user, done, total)` from the calling thread after every pass of chronos2_predict,
 * chronos2_context_open, chronos2_context_predict and chronos2_embed. The unit is a series of that call; the last
 * report has done == total. A nonzero result stops the call with CHRONOS2_ERROR_CANCELLED. NULL removes it. */
typedef int (*chronos2_progress_fn)(void *user, size_t done, size_t total);
CHRONOS2_API void chronos2_session_on_progress(chronos2_session *session, chronos2_progress_fn progress, void *user);

/* One row of time attention: the weights of one query over all `tokens` keys of its row (0 for masked keys and for
 * those that the pattern hides), summing to 1. Rows of one (layer, row, head) come in ascending order of `query` from
 * one thread; different ones may come from several threads at once. Under every pattern, fused or reference; queries at
 * masked tokens are only reported by the reference backend. Where contexts are encoded apart (chronos2_context_open,
 * chronos2_context_predict) a call with an observer is CHRONOS2_ERROR_UNSUPPORTED. */
typedef struct chronos2_attention_row {
  size_t layer, row, head, query;
  size_t tokens;        /* S: context patches of the padded batch + REG + output patches */
  size_t context;       /* context tokens, REG included; the future begins here */
  bool masked;          /* the query token holds no observation */
  const float *weights; /* [tokens] */
} chronos2_attention_row;
typedef void (*chronos2_attention_fn)(void *user, const chronos2_attention_row *row);
CHRONOS2_API void chronos2_session_on_attention(chronos2_session *session, chronos2_attention_fn observer, void *user);

/* ---- One forward pass on raw rows ------------------------------------------------------------- */

typedef struct chronos2_batch {
  size_t rows;                    /* B */
  size_t length;                  /* L, shared: shorter rows are padded with NaN on the left */
  const float *context;           /* [B][L] */
  const int64_t *group_ids;       /* [B]; NULL: every row is a group of its own */
  size_t future_length;           /* F <= patch * output_patches */
  const float *future_covariates; /* [B][F], NaN = unknown; NULL: none */
  size_t output_patches;          /* at least 1 */
  bool extend_context;            /* the context beyond the model's context_length isn't cut off on the left */
} chronos2_batch;

/* quantiles [B][Q][patch * output_patches]; loc and scale [B]; token_mask as chronos2_batch_mask gives it. Any of
 * the last three may be NULL. A forecast that is not finite is CHRONOS2_ERROR_MODEL. */
CHRONOS2_API chronos2_status chronos2_forward(chronos2_session *session, const chronos2_batch *batch, float *quantiles,
                                              float *loc, float *scale, float *token_mask);

/* S of a batch: context patches (after truncation) + REG + output patches. Its values are not read. */
CHRONOS2_API size_t chronos2_batch_tokens(const chronos2_model *model, const chronos2_batch *batch);

/* token_mask [B][S]: 1 where a token holds an observation, is REG or future. */
CHRONOS2_API chronos2_status chronos2_batch_mask(const chronos2_model *model, const chronos2_batch *batch,
                                                 float *token_mask);

/* ---- Forecasting ------------------------------------------------------------------------------ */

/* A covariate of one series: numeric (past, and future when known) or categorical (the *_text pair,
 * NULL = missing). Exactly one of past and past_text is set; both may be NULL if length is 0. */
typedef struct chronos2_covariate {
  const char *name;               /* may be NULL */
  const double *past;             /* [length] */
  const double *future;           /* [horizon]; NULL: only its past is known */
  const char *const *past_text;   /* [length] */
  const char *const *future_text; /* [horizon] */
} chronos2_covariate;

/* One series: its targets are forecast jointly, with its covariates. */
typedef struct chronos2_series {
  size_t length;        /* history; may be 0 */
  size_t targets;       /* at least 1; at most 2^31 with the covariates */
  const double *target; /* [targets][length]; may be NULL if length is 0 */
  size_t covariates;
  const chronos2_covariate *covariate; /* [covariates]; may be NULL if there are none */
} chronos2_series;

typedef struct chronos2_predict_options {
  size_t horizon;        /* steps, 1 to 2^20; beyond one pass they are rolled out */
  size_t context_length; /* use at most this many last observations; 0 = the model's */
  size_t batch_size;     /* rows of one pass; 0 = 256. Changes results only under cross_learning */
  bool cross_learning;   /* all rows of a pass form one group */
  bool extend_context;   /* allow context_length beyond the model's */
  bool monotone;         /* sort each step's quantiles, so that none crosses another; default false */
} chronos2_predict_options;

typedef struct chronos2_forecast chronos2_forecast;

/* Forecasts `count` series, which may differ in length, targets and covariates; quantiles are in each target's own
 * units. On success *forecast is the caller's to free; on failure it is NULL: CHRONOS2_ERROR_ARGUMENT for a horizon
 * out of range, a series without a target or an infinite value (the text names the series),
 * CHRONOS2_ERROR_CANCELLED when the progress function stopped it, CHRONOS2_ERROR_MODEL for a forecast that is not
 * finite (the text names the series): values or weights at the end of the range that numbers have. */
CHRONOS2_API chronos2_status chronos2_predict(chronos2_session *session, const chronos2_series *series, size_t count,
                                              const chronos2_predict_options *options, chronos2_forecast **forecast);
CHRONOS2_API void chronos2_forecast_free(chronos2_forecast **forecast);

/* ---- Embeddings ------------------------------------------------------------------------------- */

typedef struct chronos2_embedding chronos2_embedding;

/* Hidden states after the encoder, with one unknown future token. Of `options` (may be NULL) context_length,
 * extend_context and batch_size are used: series are padded to the longest of their pass, at least batch_size rows
 * [256], as upstream pads them. On success *embedding is the caller's to free. Passes with masked tokens (padding,
 * patches without an observation) run on the reference backend: upstream mixes those over the whole pass. */
CHRONOS2_API chronos2_status chronos2_embed(chronos2_session *session, const chronos2_series *series, size_t count,
                                            const chronos2_predict_options *options, chronos2_embedding **embedding);
CHRONOS2_API void chronos2_embedding_free(chronos2_embedding **embedding);

/* Tokens of a series: patches of its padded context, REG, and one for the future. 0 if out of range. */
CHRONOS2_API size_t chronos2_embedding_tokens(const chronos2_embedding *embedding, size_t series);

/* [targets][tokens][d_model]; NULL if out of range. */
CHRONOS2_API const float *chronos2_embedding_values(const chronos2_embedding *embedding, size_t series);

/* Location and scale that normalised a target's context. */
CHRONOS2_API chronos2_status chronos2_embedding_scale(const chronos2_embedding *embedding, size_t series, size_t target,
                                                      double *loc, double *scale);

/* ---- Scenarios -------------------------------------------------------------------------------- */

/* Contexts that are encoded once, and then serve any number of known-covariate futures at the cost of the future tokens
 * alone. Under windowed_future_global no context token sees the future, under windowed_future_null only one of which
 * nothing is known: weights that were trained with full attention keep what they look for in future tokens. */
typedef struct chronos2_context chronos2_context;

/* Encodes the pasts of `count` series. The session must run windowed_future_global or windowed_future_null on the fused
 * backend. Of `options` context_length, extend_context, batch_size and cross_learning are used, and under
 * windowed_future_null horizon: the null future is as long as that, in whole patches and at most one pass, and no
 * forecast from this context may be longer. Otherwise `options` may be NULL. On failure *context is NULL. The context
 * doesn't refer to the session, but the model must outlive it. */
CHRONOS2_API chronos2_status chronos2_context_open(chronos2_session *session, const chronos2_series *series,
                                                   size_t count, const chronos2_predict_options *options,
                                                   chronos2_context **context);
CHRONOS2_API void chronos2_context_close(chronos2_context **context);

/* Memory that the encoded contexts hold. */
CHRONOS2_API size_t chronos2_context_bytes(const chronos2_context *context);

/* Forecasts from encoded contexts: the same bits as chronos2_predict on the same series (under windowed_future_null
 * for horizons of as many patches as that of the encoding). `series` must hold the
 * pasts that were encoded, once, or several times over for several futures (all series with their first future, then
 * all with their second, ...): futures in one call share the work of reading the weights. Covariates may have other
 * futures than at the encoding. Of `options` horizon and monotone are used. The session's model, instruction set,
 * attention and radius must be those of the encoding, and its attention must not be observed. */
CHRONOS2_API chronos2_status chronos2_context_predict(chronos2_session *session, const chronos2_context *context,
                                                      const chronos2_series *series, size_t count,
                                                      const chronos2_predict_options *options,
                                                      chronos2_forecast **forecast);

/* ---- What a forecast holds -------------------------------------------------------------------- */

/* Number of series; targets of one, 0 if out of range; steps. */
CHRONOS2_API size_t chronos2_forecast_count(const chronos2_forecast *forecast);
CHRONOS2_API size_t chronos2_forecast_targets(const chronos2_forecast *forecast, size_t series);
CHRONOS2_API size_t chronos2_forecast_horizon(const chronos2_forecast *forecast);

/* The model's own quantile levels: [Q][horizon], levels as in chronos2_config. NULL if out of range. */
CHRONOS2_API const double *chronos2_forecast_quantiles(const chronos2_forecast *forecast, size_t series, size_t target);

/* The level 0.5: [horizon]. */
CHRONOS2_API const double *chronos2_forecast_median(const chronos2_forecast *forecast, size_t series, size_t target);

/* Other levels in [0, 1], by linear interpolation between the model's, constant beyond its outermost:
 * out [horizon][count]. A level or a series out of range is CHRONOS2_ERROR_ARGUMENT. */
CHRONOS2_API chronos2_status chronos2_forecast_at_levels(const chronos2_forecast *forecast, size_t series,
                                                         size_t target, const double *levels, size_t count,
                                                         double *out);

#ifdef __cplusplus
}
#endif

#endif

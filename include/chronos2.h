/* chronos2.h - Chronos-2 time-series forecasting in C.
 *
 *     chronos2_model *model = NULL;
 *     chronos2_session *session = NULL;
 *     chronos2_forecast *forecast = NULL;
 *     chronos2_series series = {.length = n, .targets = 1, .target = values};
 *     chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 24};
 *     if (chronos2_model_open("models/chronos2-micro", NULL, &model) == CHRONOS2_OK &&
 *         chronos2_session_open(model, NULL, &session) == CHRONOS2_OK &&
 *         chronos2_predict(session, &series, 1, &options, &forecast) == CHRONOS2_OK)
 *       printf("median of the next step: %g\n", chronos2_forecast_median(forecast, 0, 0)[0]);
 *     else
 *       fprintf(stderr, "%s\n", chronos2_last_error());
 *     chronos2_forecast_free(&forecast), chronos2_session_close(&session), chronos2_model_close(&model);
 *
 * A model is loaded once and never changes; any number of threads may share it. A session holds the memory and the
 * threads of one forecaster, and one thread at a time may use it. Forecasts and embeddings hold copies, which may be
 * read after the session and the model are closed. Nothing changes them or an encoded context once they are made: so
 * several threads may read one at the same time, and forecast from one context with a session each.
 *
 * Errors. Every call that can fail returns a chronos2_status; chronos2_last_error() then gives one line of text. The
 * library never prints, exits or aborts. A pointer that is NULL, and isn't said to be allowed to, is
 * CHRONOS2_ERROR_ARGUMENT. Functions without a status give NULL, 0 or an empty struct for a NULL handle; those that
 * close or set something then do nothing. On failure, a place for a handle is set to NULL.
 *
 * Values. A missing value is NaN. Infinite values are refused. Arrays are row-major. Threads are expected to round to
 * nearest, as C programs begin: after fesetround(), results depend on the number of threads. Traps of floating-point
 * exceptions, which feenableexcept() sets, must be off: calls compute with NaN and infinity, and a trap would end the
 * program.
 *
 * Options. A struct of options begins with its own size, so that a program and a library of different age understand
 * each other. Start one with its initialiser, and every field that isn't named has its default value, which is 0:
 *     chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 24};
 * or with its function, e.g. chronos2_predict_options_init(&options). In C++ before C++20 write
 * `chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT}; options.horizon = 24;`. Fields that an older
 * program doesn't know have their default. Fields that an older library doesn't know must be 0: else the call is
 * CHRONOS2_ERROR_UNSUPPORTED. A size of 0 is CHRONOS2_ERROR_ARGUMENT. `reserved` fields must be 0.
 *
 * Callbacks. A function that the library calls must return. An exception, longjmp, pthread_exit or pthread_cancel that
 * ends it leaves the session in its call for ever. Otherwise pthread_cancel takes effect after a call that computes on
 * the CPU. In calls that open or close a model, open a session or read a tensor it may leave memory and open files
 * behind, and on a GPU a session in its call. In a callback of its session, an output of chronos2_predict_stream gives
 * no rows (EINVAL) and may not be released.
 *
 * Processes. After fork() the child has its own copy of everything, but no worker thread: calls on an inherited session
 * run on the calling thread, with the same results, and chronos2_session_close frees its memory. That holds for
 * sessions of the CPU that are in no call when fork() is called. A session that is in a call then, by another thread or
 * because its callback forks, stays in that call in the child, which can neither use nor close it; a child that is made
 * in a callback must not return from it. Workers block all signals but those of faults. */
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

/* What an initialiser of options sets: the size. C++ names fields in braces only since C++20; before, size comes first
 * without its name, and a program sets the other fields by assignment. */
#if defined(__cplusplus) && __cplusplus < 202002L
#define CHRONOS2_SIZE_FIELD(type) sizeof(type)
#else
#define CHRONOS2_SIZE_FIELD(type) .size = sizeof(type)
#endif

/* A function that starts options is part of the program, because the size is that of the struct that the program knows.
 * The library has one of the same name for programs that were built when it was the library's. */
#ifdef CHRONOS2_BUILDING
#define CHRONOS2_INLINE CHRONOS2_API
#define CHRONOS2_START(type) ;
#else
#define CHRONOS2_INLINE static inline
#define CHRONOS2_START(type)           \
  {                                    \
    static type zero;                  \
    if (options) {                     \
      *options = zero;                 \
      options->size = sizeof *options; \
    }                                  \
  }
#endif

/* ---- Version, errors, names ------------------------------------------------------------------- */

/* Version of this interface. The first number changes when a caller must change, the second when something is added. */
#define CHRONOS2_API_MAJOR 1
#define CHRONOS2_API_MINOR 1

/* Version of the binary interface: the number in the shared library's name. */
#define CHRONOS2_ABI_VERSION 1

/* The longest horizon, 2^20 steps. */
#define CHRONOS2_MOST_STEPS 1048576

/* The radius of the windowed patterns in the published study, which the program and the Python package take where
 * none is named, and this library doesn't. */
#define CHRONOS2_STANDARD_RADIUS 8

/* CHRONOS2_ABI_VERSION of the library that runs. A program that was built against another one must not call it. */
CHRONOS2_API int chronos2_abi_version(void);

/* Version of the library that runs, "0.1.0". */
CHRONOS2_API const char *chronos2_version(void);

typedef enum chronos2_status {
  CHRONOS2_OK = 0,
  CHRONOS2_ERROR_ARGUMENT = 1,    /* an argument is impossible */
  CHRONOS2_ERROR_MEMORY = 2,      /* an allocation failed, or a size overflows */
  CHRONOS2_ERROR_IO = 3,          /* the system refused to open or read */
  CHRONOS2_ERROR_FORMAT = 4,      /* a file is not what it should be */
  CHRONOS2_ERROR_MODEL = 5,       /* a model folder is incomplete or inconsistent, or a result is not finite */
  CHRONOS2_ERROR_UNSUPPORTED = 6, /* valid, but not implemented or not on this machine */
  CHRONOS2_ERROR_CANCELLED = 7    /* a callback asked to stop */
} chronos2_status;

/* Text of this thread's last failure, one line of UTF-8; empty if there was none. It is valid until the thread's next
 * call of this library. */
CHRONOS2_API const char *chronos2_last_error(void);

/* Names of instruction sets that this library can use on this machine, e.g. "avx512", "avx2", "scalar", or "neon" on
 * ARM. The first one is what "auto" takes for float32 unless CHRONOS2_ISA says otherwise. One that it never takes for
 * that, such as "amx", comes last.
 * NULL for an index beyond the last. */
CHRONOS2_API const char *chronos2_isa_name(size_t index);

/* "ok", "argument", "memory", "io", "format", "model", "unsupported", "cancelled"; NULL for another value. */
CHRONOS2_API const char *chronos2_status_name(chronos2_status status);

/* The other way round. For this and the other ..._named: an unknown name is CHRONOS2_ERROR_ARGUMENT, whose text lists
 * the names. */
CHRONOS2_API chronos2_status chronos2_status_named(const char *name, chronos2_status *status);

/* ---- Model ------------------------------------------------------------------------------------ */

typedef struct chronos2_model chronos2_model;

/* Architecture of a model, as config.json gives it. */
typedef struct chronos2_config {
  size_t d_model, d_kv, d_ff, layers, heads;
  size_t patch;              /* observations per token */
  size_t context_length;     /* observations the model was made for */
  size_t max_output_patches; /* future tokens of one pass, at most 2^20; longer horizons are rolled out */
  size_t quantiles;          /* number of quantile levels */
  double quantile_levels[64];
  double time_encoding_scale;
  double layer_norm_epsilon;
  double rope_theta;
  double initializer_factor;
  bool use_arcsinh, use_reg_token;
} chronos2_config;

typedef struct chronos2_tensor_info {
  const char *name;  /* lives as long as the model */
  const char *dtype; /* "F32", "F16", "BF16", "F64" as stored */
  size_t dims;       /* 1 or 2 */
  size_t shape[4];
  double mean, deviation;   /* over its elements; the deviation divides by their number */
  double initial_deviation; /* that the upstream initialisation would give it; 0 if it is a constant */
} chronos2_tensor_info;

/* Type of the encoder's matrices and of what is multiplied by them. All else is float32. */
typedef enum chronos2_dtype {
  CHRONOS2_FP32 = 0,
  CHRONOS2_BF16 = 1, /* about half of float32's memory */
  CHRONOS2_INT8 = 2  /* about a quarter */
} chronos2_dtype;

/* "fp32", "bf16", "int8"; NULL for another value. */
CHRONOS2_API const char *chronos2_dtype_name(chronos2_dtype dtype);
CHRONOS2_API chronos2_status chronos2_dtype_named(const char *name, chronos2_dtype *dtype);

typedef struct chronos2_model_options {
  size_t size;          /* of this struct, by CHRONOS2_MODEL_OPTIONS_INIT */
  const char *adapter;  /* PEFT folder of a LoRA adapter to merge into the weights; default NULL: none */
  const char *cache;    /* folder for a packed copy of the weights, which later processes map and share instead of
                           packing their own. It is made if it isn't there, and holds as much as the weights. The
                           contents decide whether a copy fits. A cache that can't be used or written is a warning
                           (chronos2_model_warning). Nobody may write into a copy. Default NULL: none */
  const char *isa;      /* instruction set that packs, by a name of chronos2_isa_name; default NULL: "auto", which is
                           CHRONOS2_ISA of the environment where that is set */
  chronos2_dtype dtype; /* default fp32; the reference backend knows no other */
  int threads;          /* that check and pack the weights, 0 to 1024; default 0: the processors this process may use */
  bool skip_packing;    /* the fused backend's copy of the weights isn't made: a fused session on the CPU is refused */
  bool reserved[7];
} chronos2_model_options;
#define CHRONOS2_MODEL_OPTIONS_INIT CHRONOS2_SIZE_FIELD(chronos2_model_options)
CHRONOS2_INLINE void chronos2_model_options_init(chronos2_model_options *options)
    CHRONOS2_START(chronos2_model_options)

/* Opens a Hugging Face model folder: config.json and model.safetensors (or sharded weights with
 * model.safetensors.index.json). Every tensor must be there with its shape, and no other; float16, bfloat16 and float64
 * are converted to float32, and the prefixes "_orig_mod." and "module." of PyTorch's wrappers are taken off the names.
 * A folder that holds a LoRA adapter opens its base model, if that is a folder as seen from here, from within the
 * adapter's folder or from beside it, and merges it. The adapter decides also where a model lies beside it, which
 * chronos2_model_warning says then. A base that holds another adapter is refused.
 * The model keeps the files open. It computes with its own copy of the weights: what is written to the files
 * afterwards never changes a forecast, and makes chronos2_model_tensor and the reference backend fail.
 * `options` may be NULL. Fails with CHRONOS2_ERROR_IO, _FORMAT or _MODEL for what is wrong with the files, with
 * _ARGUMENT or _UNSUPPORTED for the options. The caller closes the model. */
CHRONOS2_API chronos2_status chronos2_model_open(const char *folder, const chronos2_model_options *options,
                                                 chronos2_model **model);

/* A model of the given shape with random weights, for benchmarks. The same seed gives the same weights. Of `options`
 * (may be NULL) isa, dtype, threads and skip_packing are used. An adapter or a cache is CHRONOS2_ERROR_ARGUMENT. */
CHRONOS2_API chronos2_status chronos2_model_random(const chronos2_config *config, uint64_t seed,
                                                   const chronos2_model_options *options, chronos2_model **model);

/* Configurations of known shapes: "base" (amazon/chronos-2), "small" (chronos-2-small), "micro" (the bundled
 * checkpoint). An unknown name is CHRONOS2_ERROR_ARGUMENT. */
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
CHRONOS2_API chronos2_status chronos2_attention_named(const char *name, chronos2_attention *attention);

typedef struct chronos2_pattern {
  chronos2_attention attention;
  double radius;   /* in tokens, a whole number up to 1e9 or INFINITY; without meaning under full */
  bool reg_global; /* the REG query sees the whole context; without meaning under full */
} chronos2_pattern;

/* The pattern's rule: true if the query token sees the key token, where both hold an observation. Tokens are counted
 * from 0 in the order context, REG, future; `context` counts the context tokens with REG, as in
 * chronos2_attention_row. Under windowed_future_null, a context query's future keys are those of the null future.
 * False for CHRONOS2_AUTO, and for a pattern or a `context` that cannot be. */
CHRONOS2_API bool chronos2_pattern_allows(chronos2_pattern pattern, size_t context, size_t query, size_t key);

CHRONOS2_API void chronos2_model_close(chronos2_model **model); /* no session may be open */

/* Name of the instruction set that "auto" takes for a model of that dtype: the one that CHRONOS2_ISA in the environment
 * names, else the fastest. In *product, unless that is NULL, stands the instruction that multiplies there, e.g.
 * "VDPBF16PS". Both are NULL for a dtype that isn't one, and where CHRONOS2_ISA names what isn't known or this machine
 * lacks (chronos2_last_error). */
CHRONOS2_API const char *chronos2_isa_chosen(chronos2_dtype dtype, const char **product);

/* Lives as long as the model. */
CHRONOS2_API const chronos2_config *chronos2_model_config(const chronos2_model *model);
CHRONOS2_API chronos2_dtype chronos2_model_dtype(const chronos2_model *model);

/* One line on what the opening did otherwise than asked, for the user to read: the cache was damaged or can't be
 * written, or a model beside an adapter isn't used. NULL if there is nothing to say. The text lives as long as the
 * model. */
CHRONOS2_API const char *chronos2_model_warning(const chronos2_model *model);
CHRONOS2_API size_t chronos2_model_parameters(const chronos2_model *model); /* numbers in all its tensors */
CHRONOS2_API size_t chronos2_model_bytes(const chronos2_model *model);      /* the weights' copy, in a cache too */
CHRONOS2_API size_t chronos2_model_tensors(const chronos2_model *model);    /* how many it has */

/* Reads tensor `index`, counted from 0, and describes it. CHRONOS2_ERROR_ARGUMENT for an index out of range,
 * CHRONOS2_ERROR_IO, _FORMAT or _MODEL if its file can't be read any more or was written to. */
CHRONOS2_API chronos2_status chronos2_model_tensor(const chronos2_model *model, size_t index,
                                                   chronos2_tensor_info *info);

/* The patterns that the weights were trained for, as "time_attention" in config.json says: at least one; without the
 * key, and of random weights, full attention alone. An index out of range gives zeros. */
CHRONOS2_API size_t chronos2_model_patterns(const chronos2_model *model);
CHRONOS2_API chronos2_pattern chronos2_model_pattern(const chronos2_model *model, size_t index);

/* The same as one line of text: "full attention or windowed_future_global at radius 4, 8 or inf". It lives as long as
 * the model. */
CHRONOS2_API const char *chronos2_model_trained_text(const chronos2_model *model);

/* True if the weights were trained for this pattern. CHRONOS2_AUTO always is one. */
CHRONOS2_API bool chronos2_model_trained_for(const chronos2_model *model, chronos2_pattern pattern);

/* What this pattern was measured to do to MASE beside the model's first one, as "time_attention_measured" in
 * config.json says: *mase_change is relative (0.71: 71% more), *tasks how many it is the mean of; both may be NULL.
 * False, and neither is set, if it was not measured. */
CHRONOS2_API bool chronos2_model_measured(const chronos2_model *model, chronos2_pattern pattern, double *mase_change,
                                          size_t *tasks);

/* One line for the user of a session that is asked for this pattern, if the weights were trained for other ones: "the
 * weights were trained for full attention, not for windowed_future_global at radius 8, which changed MASE by +71.1% (15
 * tasks)", the end only if that was measured. CHRONOS2_AUTO counts as what the session runs then. NULL if there is
 * nothing to say, and for a pattern that cannot be. The text is valid until this thread's next call of the function. */
CHRONOS2_API const char *chronos2_model_caveat(const chronos2_model *model, chronos2_pattern asked);

/* The pattern under which a session that is asked for `asked` encodes contexts (chronos2_context_open). Its attention
 * is CHRONOS2_AUTO if it encodes none: a context sees the known future under what was asked for, or that cannot be. */
CHRONOS2_API chronos2_pattern chronos2_model_context_pattern(const chronos2_model *model, chronos2_pattern asked);

/* Whether the weights look trained, by a sample of the query and key matrices, without a forward pass. */
typedef struct chronos2_training {
  double moved; /* factor, at least 1, by which their deviations lie from a random start's: geometric mean */
  double score; /* deviation of time attention's scores that such matrices give, mean of layers: near 0, attention
                   weighs all tokens alike */
  bool trained; /* moved is at least 1.05 and score at least 0.3 */
} chronos2_training;
CHRONOS2_API chronos2_training chronos2_model_training(const chronos2_model *model);

/* ---- Session ---------------------------------------------------------------------------------- */

typedef struct chronos2_session chronos2_session;

/* What computes: the fast path, or the plain masked one that it is tested against. */
typedef enum chronos2_backend { CHRONOS2_FUSED = 0, CHRONOS2_REFERENCE = 1 } chronos2_backend;

/* "fused", "reference"; NULL for another value. */
CHRONOS2_API const char *chronos2_backend_name(chronos2_backend backend);
CHRONOS2_API chronos2_status chronos2_backend_named(const char *name, chronos2_backend *backend);

typedef struct chronos2_session_options {
  size_t size;                  /* of this struct, by CHRONOS2_SESSION_OPTIONS_INIT */
  double radius;                /* in tokens, a whole number up to 1e9 or INFINITY; ignored by auto and full;
                                   default 0: a context token sees no other one.
                                   CHRONOS2_STANDARD_RADIUS is the usual one */
  const char *isa;              /* instruction set, by a name of chronos2_isa_name; default NULL: "auto", which
                                   takes what chronos2_isa_chosen says. One that this machine lacks is
                                   CHRONOS2_ERROR_UNSUPPORTED */
  chronos2_attention attention; /* default auto: as the weights were trained */
  chronos2_backend backend;     /* default fused */
  int threads;                  /* 0 to 1024; default 0: the processors this process may use */
  bool reg_global;              /* the REG query sees the whole context; default false (auto: as trained) */
  bool pin;                     /* bind each worker to a processor, the caller's thread during a call; default false */
  bool reserved[2];
  const char *device;           /* default NULL: "cpu"; "cuda" and "cuda:N", the N-th GPU, need libchronos2_cuda.so,
                                   and a model of fp32 or bf16; `threads` hand attention to an
                                   observer there */
} chronos2_session_options;
#define CHRONOS2_SESSION_OPTIONS_INIT CHRONOS2_SIZE_FIELD(chronos2_session_options)
CHRONOS2_INLINE void chronos2_session_options_init(chronos2_session_options *options)
    CHRONOS2_START(chronos2_session_options)

/* `options` may be NULL. The model must outlive the session. The caller closes the session. CHRONOS2_ERROR_ARGUMENT for
 * options that cannot be, CHRONOS2_ERROR_UNSUPPORTED for an instruction set or a device that this machine doesn't have
 * and for the reference backend on a model that isn't fp32. */
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

/* The most bytes that were allocated at once for this session's calls, since it was opened or the mark was last reset:
 * workspace, on a GPU too, what a call holds beside it, what it returns, the context it forecasts from, and
 * chronos2_model_bytes. What the caller holds between calls, other mapped files and small temporary lists, as of the
 * distinct labels of a covariate, are not counted. To reset it gives the workspace back; on a GPU with its graphs,
 * without which short passes are slower until they have run twice more. */
CHRONOS2_API size_t chronos2_session_peak_bytes(const chronos2_session *session);
CHRONOS2_API void chronos2_session_reset_peak(chronos2_session *session);

/* Memory of a session's GPU, in bytes, at most at once since the session was opened or the mark was last reset. On the
 * CPU both are 0. */
typedef struct chronos2_device_memory {
  size_t allocated; /* weights, which sessions of a model share, workspace in use, encoded contexts */
  size_t reserved;  /* the same, the workspace as large as it has grown, and what cuBLAS has for itself */
} chronos2_device_memory;
CHRONOS2_API chronos2_device_memory chronos2_session_device_memory(const chronos2_session *session);

/* Floating-point operations that this session's forward passes asked for since it was opened or this was last reset.
 * They are counted by the pattern, over tokens that hold an observation; a multiply-add counts as two. Passes of the
 * reference backend, contexts that are encoded once, and series that are forecast beside the null future are left out.
 * Embeddings of series of unlike lengths or with gaps compute tokens without an observation, too, which count then. */
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
 * chronos2_context_open, chronos2_context_predict and chronos2_embed. It counts series of that call that are done: the
 * last report has done == total, and between the passes of a rollout `done` stays, at 0 before the first ones are
 * forecast. Of chronos2_predict_stream it counts items of df: all that are forecast, and all that were read. A nonzero
 * result stops the call with CHRONOS2_ERROR_CANCELLED. NULL removes it. It may remove or replace itself.
 * While it or an observer runs, the session is in a call: other calls that compute with the session or change it are
 * CHRONOS2_ERROR_ARGUMENT, and chronos2_session_reset_peak and chronos2_session_close do nothing. The callback must
 * return: see Callbacks above. */
typedef int (*chronos2_progress_fn)(void *user, size_t done, size_t total);
CHRONOS2_API void chronos2_session_on_progress(chronos2_session *session, chronos2_progress_fn progress, void *user);

/* One row of time attention: the weights of one query token over the key tokens of its own row, in order: context, REG,
 * future. They are 0 for keys that hold no observation or that the pattern hides, and sum to 1. What a row holds
 * depends on the rest of the call where a forecast does (chronos2_predict). The pointers are valid during the call of
 * the observer. */
typedef struct chronos2_attention_row {
  size_t series;        /* index of the series; chronos2_predict_stream: of the item of df; chronos2_forward: 0 */
  size_t row;           /* row of that series, targets first, then covariates; chronos2_forward: row of the batch */
  size_t path;          /* of a rollout's continued paths; 0 in its first pass */
  size_t step;          /* first step that the pass forecasts: 0, in a rollout's later passes more */
  size_t layer, head, query;
  size_t tokens;        /* patches of the row's context (after truncation) + REG + output patches */
  size_t context;       /* context tokens, REG included; the future begins here */
  bool masked;          /* the query token holds no observation */
  const float *weights; /* [tokens] */
  const bool *live;     /* [tokens] the key token holds an observation, is REG or future */
} chronos2_attention_row;

/* Calls `observer` for every row of time attention of chronos2_forward, chronos2_predict, chronos2_predict_stream and
 * chronos2_embed. Rows that share series, row, path, step, layer and head come one after the other, in ascending order
 * of `query`; different ones may come from several threads at once. Queries that hold no observation have their places
 * in that order on the reference backend; on the others chronos2_embed alone reports them, after the rest. Where
 * contexts are encoded apart (chronos2_context_open, chronos2_context_predict) a call with an observer is
 * CHRONOS2_ERROR_UNSUPPORTED. NULL removes it, also from within, where it may still be running in other threads until
 * the call has returned. Another observer can't be set from within a callback: that does nothing. What else a callback
 * may do is as for a progress function. */
typedef void (*chronos2_attention_fn)(void *user, const chronos2_attention_row *row);
CHRONOS2_API void chronos2_session_on_attention(chronos2_session *session, chronos2_attention_fn observer, void *user);

/* ---- One forward pass on raw rows ------------------------------------------------------------- */

typedef struct chronos2_batch {
  size_t rows;                    /* B */
  size_t length;                  /* L, shared: shorter rows are padded with NaN on the left */
  const float *context;           /* [B][L]; may be NULL if L is 0 */
  const int64_t *group_ids;       /* [B]; NULL: every row is a group of its own */
  size_t future_length;           /* F <= patch * output_patches */
  const float *future_covariates; /* [B][F], NaN = unknown; NULL: none */
  size_t output_patches;          /* 1 to 2^20 */
  bool extend_context;            /* the context beyond the model's context_length isn't cut off on the left */
} chronos2_batch;

/* Writes quantiles [B][Q][patch * output_patches], loc and scale [B], and token_mask as chronos2_batch_mask gives it.
 * Any of the last three may be NULL. A forecast that is not finite is CHRONOS2_ERROR_MODEL. */
CHRONOS2_API chronos2_status chronos2_forward(chronos2_session *session, const chronos2_batch *batch, float *quantiles,
                                              float *loc, float *scale, float *token_mask);

/* S of a batch: context patches (after truncation) + REG + output patches. Its values are not read. */
CHRONOS2_API size_t chronos2_batch_tokens(const chronos2_model *model, const chronos2_batch *batch);

/* Writes token_mask [B][S]: 1 where a token holds an observation, is REG or future, else 0. */
CHRONOS2_API chronos2_status chronos2_batch_mask(const chronos2_model *model, const chronos2_batch *batch,
                                                 float *token_mask);

/* ---- Series ----------------------------------------------------------------------------------- */

typedef enum chronos2_type { CHRONOS2_FLOAT64 = 0, CHRONOS2_FLOAT32 = 1 } chronos2_type;

/* The values of one variable, one a time step, wherever they lie: a column of a table, a row of a matrix, an Arrow
 * array. They are read in place. A value is missing if it is NaN, or if its bit of `validity` is 0. */
typedef struct chronos2_column {
  const void *values;      /* doubles or floats, aligned as such; may be NULL if no value is asked for */
  ptrdiff_t stride;        /* from one value to the next, in values, of either sign; 0: 1 */
  const uint8_t *validity; /* Arrow's bitmap, lowest bit first: value i has bit (validity_offset + i), which is 1 where
                              the value counts. NULL: all do */
  size_t validity_offset;
  chronos2_type type; /* default float64 */
  int reserved[3];
} chronos2_column;

/* A covariate of one series: numeric, with its past and, when known, its future; or categorical (the *_text pair, NULL
 * = missing). Numbers are given as plain arrays or as columns: exactly one of past, past_column and past_text is set,
 * all may be NULL if length is 0; at most one of the future three. Texts and names end with a zero byte. */
typedef struct chronos2_covariate {
  const char *name;               /* may be NULL. Series with several targets share codes of categories by this name */
  const double *past;             /* [length] */
  const double *future;           /* [horizon]; no future: only the past is known */
  const char *const *past_text;   /* [length] */
  const char *const *future_text; /* [horizon] */
  const chronos2_column *past_column;
  const chronos2_column *future_column;
  const void *reserved[2];
} chronos2_covariate;

/* One series: its targets are forecast jointly, with its covariates. Everything it points to is the caller's, and is
 * read during a call only. */
typedef struct chronos2_series {
  size_t length;        /* history, in steps; may be 0 */
  size_t targets;       /* at least 1; at most 2^31 with the covariates */
  const double *target; /* [targets][length], one after the other; NULL: target_column, or length is 0 */
  const chronos2_column *target_column; /* [targets], of length values each; instead of target */
  size_t covariates;
  const chronos2_covariate *covariate; /* [covariates]; may be NULL if there are none */
  const void *reserved[2];
} chronos2_series;

/* ---- Forecasting ------------------------------------------------------------------------------ */

/* What becomes of a call when a series of it is bad. */
typedef enum chronos2_on_error {
  CHRONOS2_ON_ERROR_FAIL = 0, /* the call fails */
  CHRONOS2_ON_ERROR_SKIP = 1  /* the series has no result, the others have theirs as without it */
} chronos2_on_error;

typedef struct chronos2_predict_options {
  size_t size;                      /* of this struct, by CHRONOS2_PREDICT_OPTIONS_INIT */
  size_t horizon;                   /* steps, 1 to CHRONOS2_MOST_STEPS; beyond one pass they are rolled out */
  size_t context_length;            /* at most this many last observations are used; default 0: the model's number */
  size_t batch_size;                /* rows of one pass; default 0: 256. Changes forecasts only under cross_learning;
                                       embeddings always (chronos2_embed) */
  size_t max_output_patches;        /* future tokens of one pass, at most 2^20; default 0: the model's number. More than
                                       that may forecast worse */
  const double *unrolled_quantiles; /* [unrolled_count] levels that continue a rollout, each as a path of its own: some
                                       of the model's, rising; default NULL: 0.1, 0.2 ... 0.9, which a
                                       model that is rolled out must have then */
  size_t unrolled_count;
  chronos2_on_error on_error;       /* default fail */
  bool cross_learning;              /* all rows of a pass form one group */
  bool extend_context;              /* context_length may be beyond the model's; else it is cut to that */
  bool monotone;                    /* sort each step's quantiles, so that none crosses another */
  bool limit_prediction_length;     /* a horizon beyond the model's one pass is CHRONOS2_ERROR_ARGUMENT */
} chronos2_predict_options;
#define CHRONOS2_PREDICT_OPTIONS_INIT CHRONOS2_SIZE_FIELD(chronos2_predict_options)
CHRONOS2_INLINE void chronos2_predict_options_init(chronos2_predict_options *options)
    CHRONOS2_START(chronos2_predict_options)

typedef struct chronos2_forecast chronos2_forecast;

/* Forecasts series [count], which may differ in length, targets and covariates; quantiles are in each target's own
 * units. On the CPU's fused backend a forecast is the same, bit for bit, whatever other series are in the call. There
 * are two exceptions: cross_learning; and categories beside several targets, whose codes are ranks among the labels of
 * their name in all such series of the call. The caller frees the forecast. Fails with
 * CHRONOS2_ERROR_ARGUMENT for options out of range, and for a series without a target or with an infinite value;
 * CHRONOS2_ERROR_MODEL for a forecast that is not finite: values or weights at the end of the range that numbers have;
 * CHRONOS2_ERROR_CANCELLED when the progress function stopped it.
 * The text names the series. Under CHRONOS2_ON_ERROR_SKIP a bad series fails alone: see chronos2_forecast_status. The
 * others are the same, bit for bit, as in a call without the bad series. Under cross_learning there is an exception: a
 * series whose forecast turns out not to be finite has informed those of its pass. */
CHRONOS2_API chronos2_status chronos2_predict(chronos2_session *session, const chronos2_series *series, size_t count,
                                              const chronos2_predict_options *options, chronos2_forecast **forecast);
/* *bytes gets the most that chronos2_predict will allocate beside the model for series of these shapes, the forecast
 * included. The structs are read: series, covariates, their names, and columns. Values and categories are not read:
 * pointers to them, and `values` and `validity` of columns, may point anywhere, but must be NULL exactly where they are
 * NULL in the call. Three may differ: a column's `values` may be NULL; without `target` and `target_column` the targets
 * count as an array; and with `covariate` NULL the covariates may be of any kind. The session's peak is
 * above chronos2_model_bytes by at most that, unless it keeps the workspace of a larger call. Fails as chronos2_predict
 * does for options, shapes and structs, of every series whatever on_error says, and leaves *bytes as it was or without
 * a meaning. For what only values show, it doesn't fail: every series counts as a good one. Where
 * CHRONOS2_ON_ERROR_SKIP leaves out bad ones, the others are cut into other passes, which may take more than *bytes. A
 * call with the good ones alone tells how much. */
CHRONOS2_API chronos2_status chronos2_predict_bytes(chronos2_session *session, const chronos2_series *series,
                                                    size_t count, const chronos2_predict_options *options,
                                                    size_t *bytes);
CHRONOS2_API void chronos2_forecast_free(chronos2_forecast **forecast);

/* Number of series; targets of one, 0 if it is out of range or has no forecast; steps. */
CHRONOS2_API size_t chronos2_forecast_count(const chronos2_forecast *forecast);
CHRONOS2_API size_t chronos2_forecast_targets(const chronos2_forecast *forecast, size_t series);
CHRONOS2_API size_t chronos2_forecast_horizon(const chronos2_forecast *forecast);

/* CHRONOS2_OK, or why a series has no forecast, which only CHRONOS2_ON_ERROR_SKIP allows; CHRONOS2_ERROR_ARGUMENT if
 * it is out of range. */
CHRONOS2_API chronos2_status chronos2_forecast_status(const chronos2_forecast *forecast, size_t series);

/* The text that belongs to chronos2_forecast_status; empty where a series has its forecast, NULL if out of range. It
 * lives as long as the forecast. */
CHRONOS2_API const char *chronos2_forecast_error(const chronos2_forecast *forecast, size_t series);

/* The model's own quantile levels: [Q][horizon], levels as in chronos2_config, as long as the forecast lives. NULL if
 * out of range, and for a series that has no forecast. */
CHRONOS2_API const double *chronos2_forecast_quantiles(const chronos2_forecast *forecast, size_t series, size_t target);

/* The level 0.5: [horizon]. Otherwise as before. */
CHRONOS2_API const double *chronos2_forecast_median(const chronos2_forecast *forecast, size_t series, size_t target);

/* Other levels in [0, 1], by linear interpolation between the model's, constant beyond its outermost:
 * out [horizon][count]. A level or a series out of range, or one without a forecast, is CHRONOS2_ERROR_ARGUMENT. */
CHRONOS2_API chronos2_status chronos2_forecast_at_levels(const chronos2_forecast *forecast, size_t series,
                                                         size_t target, const double *levels, size_t count,
                                                         double *out);

/* ---- Embeddings ------------------------------------------------------------------------------- */

typedef struct chronos2_embedding chronos2_embedding;

/* Hidden states after the encoder, with one unknown future token. Of `options` (may be NULL) context_length,
 * extend_context, batch_size and on_error are used: series are padded to the longest of their pass, at least batch_size
 * rows [256], as upstream pads them. The caller frees the embedding. Fails as chronos2_predict does. */
CHRONOS2_API chronos2_status chronos2_embed(chronos2_session *session, const chronos2_series *series, size_t count,
                                            const chronos2_predict_options *options, chronos2_embedding **embedding);
CHRONOS2_API void chronos2_embedding_free(chronos2_embedding **embedding);

/* As chronos2_forecast_status and chronos2_forecast_error: why a series has no embedding. */
CHRONOS2_API chronos2_status chronos2_embedding_status(const chronos2_embedding *embedding, size_t series);
CHRONOS2_API const char *chronos2_embedding_error(const chronos2_embedding *embedding, size_t series);

/* Tokens of a series: patches of its padded context, REG, and one for the future. 0 if out of range or left out. */
CHRONOS2_API size_t chronos2_embedding_tokens(const chronos2_embedding *embedding, size_t series);

/* [targets][tokens][d_model], as long as the embedding lives; NULL if out of range or left out. */
CHRONOS2_API const float *chronos2_embedding_values(const chronos2_embedding *embedding, size_t series);

/* Location and scale that normalised a target's context. CHRONOS2_ERROR_ARGUMENT if out of range. */
CHRONOS2_API chronos2_status chronos2_embedding_scale(const chronos2_embedding *embedding, size_t series, size_t target,
                                                      double *loc, double *scale);

/* ---- Scenarios -------------------------------------------------------------------------------- */

/* Contexts that are encoded once, and then serve any number of known-covariate futures at the cost of the future tokens
 * alone. Under windowed_future_global no context token sees the future, under windowed_future_null only one of which
 * nothing is known: weights that were trained with full attention keep what they look for in future tokens. */
typedef struct chronos2_context chronos2_context;

/* Encodes the pasts of series [count]. The session must run windowed_future_global or windowed_future_null on the
 * fused backend, or CHRONOS2_AUTO: where the weights were trained to see the future, that is windowed_future_null here
 * (radius INFINITY for full attention), and chronos2_predict still runs what they were trained for. Of `options`
 * context_length, extend_context, batch_size, max_output_patches, cross_learning and on_error are used, and under
 * windowed_future_null horizon: the null future is as long as that, in whole patches and at most one pass, and no
 * forecast from this context may be longer. Otherwise `options` may be NULL. The caller closes the context, which
 * doesn't refer to the session; the model must outlive it. Fails as chronos2_predict does. Under
 * CHRONOS2_ON_ERROR_SKIP a bad series is left out: every forecast from this context tells why it has none for it
 * (chronos2_forecast_status), and those of the others are as if they had been encoded without it. */
CHRONOS2_API chronos2_status chronos2_context_open(chronos2_session *session, const chronos2_series *series,
                                                   size_t count, const chronos2_predict_options *options,
                                                   chronos2_context **context);
CHRONOS2_API void chronos2_context_close(chronos2_context **context);

/* Memory that the encoded contexts hold. */
CHRONOS2_API size_t chronos2_context_bytes(const chronos2_context *context);

/* Forecasts from encoded contexts: on the CPU the same bits as chronos2_predict on the same series in a session of the
 * context's pattern (under windowed_future_null for horizons of as many patches as that of the encoding), and on a GPU
 * as far as cuBLAS multiplies different numbers of rows alike. `series` must hold the pasts that were encoded, once, or
 * several times over for several futures (all series with their first future, then all with their second, ...): futures
 * in one call share the work of reading the weights. A series with other targets, covariates or values in its past,
 * as far as context_length reaches back, is CHRONOS2_ERROR_ARGUMENT; where and in which type the values lie doesn't
 * matter. Covariates may have other futures than at the encoding. Of
 * `options` horizon, monotone, unrolled_quantiles, limit_prediction_length and on_error are used. The session's model,
 * device, instruction set, attention and radius must be those of the encoding; its blind heads may be others, for
 * the context keeps those of the encoding. Fails as chronos2_predict does. Under
 * CHRONOS2_ON_ERROR_SKIP a series with a bad future has no forecast for this future alone. Under cross_learning the
 * others still see its past, as if its future weren't known. A bad past is no longer what was encoded: the call fails.
 * Series that the encoding has left out may be anything here; they count nevertheless. */
CHRONOS2_API chronos2_status chronos2_context_predict(chronos2_session *session, const chronos2_context *context,
                                                      const chronos2_series *series, size_t count,
                                                      const chronos2_predict_options *options,
                                                      chronos2_forecast **forecast);

/* ---- Tables ----------------------------------------------------------------------------------- */

/* Arrow's C data and C stream interface, as https://arrow.apache.org/docs/format/CDataInterface.html has it. */
#ifndef ARROW_C_DATA_INTERFACE
#define ARROW_C_DATA_INTERFACE

#define ARROW_FLAG_DICTIONARY_ORDERED 1
#define ARROW_FLAG_NULLABLE 2
#define ARROW_FLAG_MAP_KEYS_SORTED 4

struct ArrowSchema {
  const char *format;
  const char *name;
  const char *metadata;
  int64_t flags;
  int64_t n_children;
  struct ArrowSchema **children;
  struct ArrowSchema *dictionary;
  void (*release)(struct ArrowSchema *);
  void *private_data;
};

struct ArrowArray {
  int64_t length;
  int64_t null_count;
  int64_t offset;
  int64_t n_buffers;
  int64_t n_children;
  const void **buffers;
  struct ArrowArray **children;
  struct ArrowArray *dictionary;
  void (*release)(struct ArrowArray *);
  void *private_data;
};

#endif
#ifndef ARROW_C_STREAM_INTERFACE
#define ARROW_C_STREAM_INTERFACE

struct ArrowArrayStream {
  int (*get_schema)(struct ArrowArrayStream *, struct ArrowSchema *out);
  int (*get_next)(struct ArrowArrayStream *, struct ArrowArray *out);
  const char *(*get_last_error)(struct ArrowArrayStream *);
  void (*release)(struct ArrowArrayStream *);
  void *private_data;
};

#endif

/* Tells the user, in one line of text that is valid during the call, what was ignored, filled in or left out. It is
 * called from within the output's get_next, or from chronos2_predict_stream. */
typedef void (*chronos2_warning_fn)(void *user, const char *text);

typedef struct chronos2_stream_options {
  size_t size;                            /* of this struct, by CHRONOS2_STREAM_OPTIONS_INIT */
  const chronos2_predict_options *predict; /* as of chronos2_predict; default NULL: the defaults. A horizon of 0 is as
                                             many steps as the model forecasts in one pass */
  const char *id_column;                  /* default NULL: "item_id" */
  const char *timestamp_column;           /* default NULL: "timestamp" */
  const char *const *targets;             /* [target_count] columns that are forecast jointly; default: "target" */
  size_t target_count;
  const char *const *covariates; /* [covariate_count] columns; the others are ignored, with a warning. Default NULL:
                                    every column that is no id, time stamp or target */
  size_t covariate_count;
  const double *quantile_levels; /* [level_count], in [0, 1]; default NULL: 0.1, 0.2 ... 0.9 */
  size_t level_count;
  const char *freq;               /* frequency of the time stamps as pandas spells it, which is not checked against the
                                     rows; default NULL: inferred */
  size_t batch_series;            /* series of one chronos2_predict, and so of cross_learning; default 0: 1024 */
  chronos2_warning_fn on_warning; /* default NULL: nobody is told */
  void *user;                     /* for on_warning */
  bool skip_validation;           /* rows are in order already, and future_df's follow df's: neither is checked */
  bool gather;                    /* read everything first, so that the rows of an item may come apart, and every
                                     error of the tables comes before the first forecast */
  bool fill_gaps;                 /* steps without a row are missing values, with a warning; else a gap is an error, or
                                     with `freq` the rows are consecutive steps whatever their time stamps say */
  bool independent;               /* an item's forecast doesn't depend on which others are in the table: each has a
                                     frequency of its own, for which it needs three rows. Cross-learning is an error
                                     then, as are categories beside several targets */
  bool error_column;              /* what is wrong with an item is told in a last column `error` (text, else null), in
                                     one row whose other values are null but for the id. The other items are forecast.
                                     Else it ends the stream, or as on_error of `predict` says */
  bool reserved[3];
  const char *future_column; /* of booleans: rows of df that are true there are its known future, and future_df must be
                                NULL. Default NULL: there is none */
  const char *const *known_covariates; /* [known_count] covariates that those rows tell */
  size_t known_count;
} chronos2_stream_options;
#define CHRONOS2_STREAM_OPTIONS_INIT CHRONOS2_SIZE_FIELD(chronos2_stream_options)
CHRONOS2_INLINE void chronos2_stream_options_init(chronos2_stream_options *options)
    CHRONOS2_START(chronos2_stream_options)

/* Forecasts a long table by the rules of chronos-forecasting's predict_df, whose names the arguments and messages have.
 *
 * df: one row an item and time step, in record batches: an id (text or integers), a time stamp (timestamp or date), the
 * targets (numbers) and covariates (numbers, or categories: text or booleans). Text may be in dictionaries, as may ids.
 * Nulls and NaN are missing values; ids and time stamps can't be. Rows of an item follow each other, unless options
 * gather; they are sorted by time where they aren't. All items have one frequency.
 * future_df: NULL, or ids, time stamps and covariates of the `horizon` steps after each item's last: these covariates
 * are known. Items may come in any order; those that come before their turn are kept.
 * out: the forecasts, items in the order of df, in record batches of at most 65,536 rows or one item: the id column,
 * time stamps, target_name, predictions (the median, float32) and one float32 column a quantile level, which its
 * shortest spelling names, "0.1". Ids and time stamps have the type they have in df, but dictionaries become what they
 * hold, and string views strings.
 *
 * Memory: batch_series series, or fewer that have a million rows unless under cross-learning; the record batches that
 * they are in; and all ids and categories. A future that never comes makes it read all of future_df. Everything is read
 * first under `gather`, and where several targets have categories, whose codes are ranks among all of them. float32 and
 * float64 columns are read in place.
 *
 * `options` may be NULL: all have their defaults. Both inputs belong to the library from the call on, even if it fails:
 * their release is NULL afterwards. The session and its model must outlive the output, which may be read from any
 * thread, while no other call uses the session.
 * The call itself reads the schemas: it fails for columns that are missing or of a wrong type, and for options that
 * cannot be. What else is wrong comes from the output's get_next, as an errno value: EINVAL for arguments and tables,
 * ENOMEM, EIO, ENOTSUP, ECANCELED (a progress function stopped it), EDOM (a forecast is not finite), or what the
 * producer returned; get_last_error gives the text. Under CHRONOS2_ON_ERROR_SKIP values of a bad item are null, with a
 * warning. */
CHRONOS2_API chronos2_status chronos2_predict_stream(chronos2_session *session, struct ArrowArrayStream *df,
                                                     struct ArrowArrayStream *future_df,
                                                     const chronos2_stream_options *options,
                                                     struct ArrowArrayStream *out);

/* *season gets the steps of a season at a frequency as pandas spells it, by which seasonal naive and scaled errors are
 * computed where nothing else is said: "h" 24, "15min" 96, "D" 7, "W-SUN" 1, "MS" 12; 1 where none is in common use, or
 * where a season is no whole number of steps ("7h"). A text that is no frequency is CHRONOS2_ERROR_ARGUMENT, and
 * *season stays. */
CHRONOS2_API chronos2_status chronos2_frequency_season(const char *freq, size_t *season);

/* Whether a text spells a number with either decimal sign, and perhaps with its digits in groups: "1.5", "1.234,5". */
CHRONOS2_API bool chronos2_text_is_number(const char *text);

#ifdef __cplusplus
}
#endif

#endif

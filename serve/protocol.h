/* The protocols: JSON to a call, and a call's result to JSON. Each is a file. */
#ifndef C2_SERVE_PROTOCOL_H
#define C2_SERVE_PROTOCOL_H

#include "serve/answer.h"
#include "serve/call.h"

typedef struct c2_protocol {
  const char *name;
  /* Makes a call of a document's root. */
  c2_status (*read)(c2_call *call, const c2_json_document *doc, const c2_call_limits *limits,
                    const chronos2_config *config, c2_error *err);
  /* Writes the result. */
  c2_status (*write)(const c2_call *call, const chronos2_config *config, c2_json_writer *json, c2_error *err);
} c2_protocol;

extern const c2_protocol c2_sagemaker; /* sagemaker.c: the endpoints of Chronos-2 on SageMaker */
extern const c2_protocol c2_kserve;    /* kserve.c: KServe's time series */

/* Reads a body, text [size] with a byte to spare behind it, which is changed. A refusal is the answer: false. */
bool c2_protocol_read(const c2_protocol *protocol, char *text, size_t size, const c2_call_limits *limits,
                      const chronos2_config *config, c2_call *call, c2_answer *answer);

/* The answer that holds the result. */
void c2_protocol_write(const c2_protocol *protocol, const c2_call *call, const chronos2_config *config,
                       c2_answer *answer);

/* Reads the object under "parameters", which may be NULL. */
c2_status c2_sagemaker_read_parameters(c2_call *call, const c2_json_document *doc, const c2_json *object,
                                       const c2_call_limits *limits, c2_freq *freq, bool *has_freq, c2_error *err);

/* The member "predictions" as SageMaker has it: of the items of `call`, whose results are those of `result` from series
 * `first` on. */
c2_status c2_sagemaker_put_predictions(const c2_call *call, const c2_call *result, size_t first, c2_json_writer *json,
                                       c2_error *err);

/* ---- For the protocols ------------------------------------------------------------------------- */

/* The medians, or the quantiles of a level, of all targets: an array, or one of each if the target was given so. */
void c2_protocol_put_values(const c2_call *call, size_t series, bool is_nested, size_t level, const char *key,
                            c2_json_writer *json);
enum { C2_PROTOCOL_MEDIAN = C2_CALL_LEVELS }; /* as the level */
enum { C2_PROTOCOL_DIGITS = 15 };             /* of a level, at least: "0.1", as Python writes it */

/* A member "warnings" of an object, a line each, where there is anything to say of the call. */
void c2_protocol_put_warnings(const c2_call *call, c2_json_writer *json);

#endif

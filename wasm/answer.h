/* Answers to the JavaScript wrapper: a text in JSON, and what it speaks of. */
#ifndef C2_WASM_ANSWER_H
#define C2_WASM_ANSWER_H

#include <chronos2.h>

#include "base/json.h"
#include "data/dataset.h"

#define EXPORT(name) __attribute__((export_name(name)))

typedef struct answer {
  c2_dataset set; /* its notes are what the caller is warned of */
  chronos2_forecast *forecast;
  char *text; /* ends with a zero */
} answer;

/* Refuses what is no object, and members that are none of these names; NULL ends them. */
c2_status c2_answer_options(const c2_json_document *doc, const c2_json *object, const char *const *known,
                            c2_error *err);

/* Writes {"series": [{"targets": 1, "timestamps": [...]}, ...], "warnings": [...]}. Series without a calendar have no
 * time stamps. */
c2_status c2_answer_forecast(answer *a, size_t horizon, c2_error *err);

EXPORT("module_answer_text") const char *module_answer_text(const answer *a);
EXPORT("module_answer_forecast") const chronos2_forecast *module_answer_forecast(const answer *a);
EXPORT("module_answer_free") void module_answer_free(answer *a); /* which may be NULL */

#endif

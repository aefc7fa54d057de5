/* Answers to the JavaScript wrapper: a text in JSON, and what it speaks of. */
#ifndef C2_WASM_ANSWER_H
#define C2_WASM_ANSWER_H

#include <chronos2.h>

#include "base/json.h"
#include "base/json_writer.h"
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

/* Where all functions for the wrapper record what failed. */
c2_error *c2_answer_failure(void);

/* Begins and ends the answer's text, an object; the end brings the notes of the set, as "warnings". It must follow a
 * successful beginning, `status` being what came of the members between them. */
typedef struct c2_answer_writer {
  c2_json_writer json;
  char *text;
  size_t size;
} c2_answer_writer;
c2_status c2_answer_open(c2_answer_writer *w, c2_error *err);
c2_status c2_answer_close(c2_answer_writer *w, answer *a, c2_status status, c2_error *err);

/* Writes time stamps of `count` steps from step `from` on. */
c2_status c2_answer_stamps(c2_json_writer *json, const char *key, const c2_item *item, size_t from, size_t count,
                           c2_error *err);

/* Writes {"series": [{"targets": 1, "timestamps": [...]}, ...], "warnings": [...]}. Series without a calendar have no
 * time stamps. */
c2_status c2_answer_forecast(answer *a, size_t horizon, c2_error *err);

/* Text of the last failure, and the option that helps, as "time-format"; or NULL. */
EXPORT("module_error") const char *module_error(void);
EXPORT("module_remedy") const char *module_remedy(void);

EXPORT("module_answer_text") const char *module_answer_text(const answer *a);
EXPORT("module_answer_forecast") const chronos2_forecast *module_answer_forecast(const answer *a);
EXPORT("module_answer_free") void module_answer_free(answer *a); /* which may be NULL */

#endif

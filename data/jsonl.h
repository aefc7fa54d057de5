/* A series that is a JSON object. The reader of whole files is in reader.h. */
#ifndef C2_DATA_JSONL_H
#define C2_DATA_JSONL_H

#include "base/json.h"
#include "data/reader.h"

/* Whether a path's end says that it holds JSON. */
bool c2_path_is_json(const char *path);

/* What a protocol calls the members of a series. "past_covariates" and "future_covariates" have these names in all. */
typedef struct c2_json_names {
  const char *id, *target;
  const char *start, *freq; /* NULL: the caller reads them */
  bool others;              /* members that are not known here are the caller's; else they are refused */
  const char *list;         /* that a series without an id is named after, as in "inputs[0]"; NULL: "0" */
} c2_json_names;

extern const c2_json_names c2_json_lines_names; /* item_id, target, start, freq */

/* Appends one series, an object of a document. */
c2_status c2_read_json_item(c2_dataset *set, const c2_json_document *doc, const c2_json *object,
                            const c2_json_names *names, const c2_read_options *options, c2_error *err);

/* Futures of an item's covariates, an object as "future_covariates" is one: `out` [item->covariates] are the item's,
 * and those that the object names have the `horizon` values that it gives, or none where it gives null. Their memory is
 * the set's, which need not be the item's. */
c2_status c2_read_json_futures(c2_dataset *set, const c2_json_document *doc, const c2_json *object, const c2_item *item,
                               size_t horizon, c2_covariate *out, c2_error *err);

#endif

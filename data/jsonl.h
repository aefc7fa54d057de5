/* A series that is a JSON object. The reader of whole files is in reader.h. */
#ifndef C2_DATA_JSONL_H
#define C2_DATA_JSONL_H

#include "base/json.h"
#include "data/reader.h"

/* Whether a path's end says that it holds JSON. */
bool c2_path_is_json(const char *path);

/* Appends one series, an object of a document. */
c2_status c2_read_json_item(c2_dataset *set, const c2_json_document *doc, const c2_json *object,
                            const c2_read_options *options, c2_error *err);

#endif

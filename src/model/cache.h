/* Packed weights kept in a file: made by the first process that opens a model with these options, mapped by later
 * ones, which then neither read nor pack the model's own file and share the pages.
 *
 * A file is named by a digest of what its bytes depend on (dtype, instruction set, shape, and each model file's path,
 * size and time of change), and holds that text too. It is read as trusted as the model beside it. */
#ifndef C2_MODEL_CACHE_H
#define C2_MODEL_CACHE_H

#include "model/weights.h"

enum { C2_CACHE_HEADER = 4096 }; /* bytes before the packed weights */

/* Maps the model's file in `folder` if there is one; else model->cache stays empty. */
c2_status c2_cache_find(chronos2_model *model, const char *folder, c2_error *err);

/* Writes model->packed, whole or not at all. */
c2_status c2_cache_write(const chronos2_model *model, const char *folder, c2_error *err);

#endif

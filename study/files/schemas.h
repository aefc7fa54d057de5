/* What the CSV files of a study are called and which columns they have. Between tables.c and schemas.c. */
#ifndef C2_STUDY_SCHEMAS_H
#define C2_STUDY_SCHEMAS_H

#include <stdbool.h>
#include <stddef.h>

#include "study/files/tables.h"

typedef struct c2_schema {
  const char *name;
  bool by_radius;
  const char *const *column; /* '#' stands for the split of S */
  size_t count, published;
} c2_schema;

extern const c2_schema c2_schemas[C2_TABLES];

#endif

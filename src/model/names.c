/* Names of an enum's values. */
#include "model/names.h"

#include <stdio.h>
#include <string.h>

c2_status c2_name_find(const char *const *names, size_t first, size_t count, const char *name, const char *what,
                       size_t *index, c2_error *err) {
  char all[200] = "";
  size_t used = 0;
  for (size_t i = first; i < count; i++) {
    if (name && strcmp(name, names[i]) == 0) {
      *index = i;
      return C2_OK;
    }
    if (used < sizeof all) {
      used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", i > first ? ", " : "", names[i]);
    }
  }
  if (!name) C2_FAIL(err, C2_ERR_ARGUMENT, "%s: expected one of %s", what, all);
  C2_FAIL(err, C2_ERR_ARGUMENT, "%s: expected one of %s, found '%.60s'", what, all, name);
}

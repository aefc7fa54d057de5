/* The instruction set and the threads that a caller asks for. */
#include "engine/cpu/level.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/platform.h"

/* Lists "auto, scalar, avx2": the names that this build knows, once each. */
static void list_names(char *out, size_t room) {
  const char *last = "auto";
  size_t length = (size_t)snprintf(out, room, "%s", last);
  for (const c2_level *l = c2_levels; l->kernels; l++) {
    if (strcmp(l->kernels->name, last) == 0) continue;
    last = l->kernels->name;
    if (length < room) length += (size_t)snprintf(out + length, room - length, ", %s", last);
  }
}

/* *name becomes NULL where it leaves the choice. */
static c2_status check_name(const char **name, const char *what, c2_error *err) {
  char known[128];
  if (*name && (!**name || strcmp(*name, "auto") == 0)) *name = NULL;
  if (!*name || c2_kernels_known(*name)) return C2_OK;
  list_names(known, sizeof known);
  C2_FAIL(err, C2_ERR_ARGUMENT, "%s: expected one of %s, found '%.60s'", what, known, *name);
}

c2_status c2_isa_choose(const char *name, chronos2_dtype dtype, const c2_kernels **out, c2_error *err) {
  const char *what = "isa";
  C2_TRY(check_name(&name, what, err));
  if (!name) {
    what = "CHRONOS2_ISA";
    name = getenv(what);
    C2_TRY(check_name(&name, what, err));
  }
  *out = c2_kernels_find(name, (c2_type)dtype);
  if (!*out) C2_FAIL(err, C2_ERR_UNSUPPORTED, "%s: this machine has no %s", what, name);
  return C2_OK;
}

c2_status c2_pool_choose(int asked, bool pin, c2_pool **pool, c2_error *err) {
  if (asked < 0 || asked > 1024) C2_FAIL(err, C2_ERR_ARGUMENT, "threads: expected 0 to 1024, found %d", asked);
  return c2_pool_open(pool, (size_t)(asked ? asked : c2_processor_count()), pin, err);
}

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

/* The level that the environment asks for, NULL if it leaves the choice. */
static c2_status from_environment(const char **out, c2_error *err) {
  const char *name = getenv("CHRONOS2_ISA");
  char known[128];
  *out = NULL;
  if (!name || !*name || strcmp(name, "auto") == 0) return C2_OK;
  if (!c2_kernels_known(name)) {
    list_names(known, sizeof known);
    C2_FAIL(err, C2_ERR_ARGUMENT, "CHRONOS2_ISA: expected one of %s, found '%s'", known, name);
  }
  *out = name;
  return C2_OK;
}

c2_status c2_isa_choose(chronos2_isa_level asked, const c2_kernels **out, c2_error *err) {
  static const char *const names[] = {NULL, "scalar", "avx2", "avx512", "amx"};
  if (asked < CHRONOS2_ISA_AUTO || asked > CHRONOS2_ISA_AMX)
    C2_FAIL(err, C2_ERR_ARGUMENT, "isa: unknown level %d", (int)asked);
  const char *name = names[asked];
  if (!name) C2_TRY(from_environment(&name, err));
  *out = c2_kernels_find(name);
  if (!*out) C2_FAIL(err, C2_ERR_UNSUPPORTED, "isa: this machine has no %s", name);
  return C2_OK;
}

c2_status c2_pool_choose(int asked, bool pin, c2_pool **pool, c2_error *err) {
  if (asked < 0 || asked > 1024) C2_FAIL(err, C2_ERR_ARGUMENT, "threads: expected 0 to 1024, found %d", asked);
  return c2_pool_open(pool, (size_t)(asked ? asked : c2_processor_count()), pin, err);
}

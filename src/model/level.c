/* The instruction set that a caller asks for. */
#include "model/level.h"

#include <stdlib.h>
#include <string.h>

c2_status c2_isa_choose(chronos2_isa_level asked, c2_isa *out, c2_error *err) {
  static const char *const names[] = {"auto", "scalar", "avx2", "avx512", "amx"};
  c2_isa machine = c2_isa_detect();
  const char *environment = getenv("CHRONOS2_ISA");
  if (asked == CHRONOS2_ISA_AUTO && environment && *environment) {
    size_t i = 0;
    while (i < 5 && strcmp(environment, names[i]) != 0) i++;
    if (i == 5)
      C2_FAIL(err, C2_ERR_ARGUMENT, "CHRONOS2_ISA: expected auto, scalar, avx2, avx512 or amx, found '%s'",
              environment);
    asked = (chronos2_isa_level)i;
  }
  if (asked < CHRONOS2_ISA_AUTO || asked > CHRONOS2_ISA_AMX)
    C2_FAIL(err, C2_ERR_ARGUMENT, "isa: unknown level %d", (int)asked);
  bool missing = asked == CHRONOS2_ISA_AMX ? !c2_isa_request_amx() : (int)asked > (int)machine;
  if (missing) {
    C2_FAIL(err, C2_ERR_UNSUPPORTED, "isa: this machine has no %s", names[asked]);
  }
  bool below = asked == CHRONOS2_ISA_SCALAR || asked == CHRONOS2_ISA_AVX2;
  *out = asked == CHRONOS2_ISA_AMX ? C2_ISA_AMX
         : below                   ? (c2_isa)asked
                                   : machine; /* avx512 comes with the extensions that the machine has */
  return C2_OK;
}

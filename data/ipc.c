/* What of Arrow's IPC format needs no library. */
#include "data/ipc.h"

#include <errno.h>
#include <string.h>

bool c2_ipc_recognised(const void *bytes, size_t size) {
  return size >= 8 && (memcmp(bytes, "ARROW1\0\0", 8) == 0 || memcmp(bytes, "\xff\xff\xff\xff", 4) == 0);
}

c2_status c2_ipc_status(int code) {
  switch (code) {
    case 0: return C2_OK;
    case ENOMEM: return C2_ERR_MEMORY;
    case ENOTSUP: return C2_ERR_UNSUPPORTED;
    case ECANCELED: return C2_ERR_CANCELLED;
    case EDOM: return C2_ERR_MODEL;
    case EIO: return C2_ERR_IO;
    default: return C2_ERR_FORMAT;
  }
}

void c2_ipc_zoned(const char *zone, char out[C2_ZONED_ROOM]) {
  (void)snprintf(out, C2_ZONED_ROOM, "tsu:%.50s", zone ? zone : "");
}

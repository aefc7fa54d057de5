/* The CUDA backend of a build for systems that load no libraries: no session opens. */
#include "engine/backend.h"

static c2_status open_session(c2_engine *engine, const chronos2_session_options *options, c2_error *err) {
  (void)engine;
  C2_FAIL(err, C2_ERR_UNSUPPORTED, "device: this build has no %s", options->device);
}

const c2_backend c2_cuda_backend = {.name = "cuda", .open = open_session};

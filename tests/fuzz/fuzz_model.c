/* A model folder of two shards with an index, each file edited: it is refused, or it forecasts. */
#include "fuzz.h"

enum { FILES = 4 };
static fuzz_file file[FILES];

static void prepare(void) {
  static const char *const name[FILES] = {"config.json", "model.safetensors.index.json", "shard-0.safetensors",
                                          "shard-1.safetensors"};
  fuzz_put_model(2);
  for (size_t i = 0; i < FILES; i++) file[i] = fuzz_load(name[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  chronos2_model *model = NULL;
  if (!file[0].bytes) prepare();
  fuzz_edit(file, FILES, data, size);
  chronos2_status status = chronos2_model_open(fuzz_folder(), &(chronos2_model_options){CHRONOS2_MODEL_OPTIONS_INIT,
                                                                                        .threads = 1}, &model);
  if (status != CHRONOS2_OK) {
    fuzz_check_api_error(status);
    fuzz_require(!model, "there is no model after a failure");
    return 0;
  }
  const chronos2_config *c = chronos2_model_config(model);
  if (c->layers * c->d_ff <= 1024 && c->patch <= 64) fuzz_forecast(model);
  chronos2_model_close(&model);
  return 0;
}

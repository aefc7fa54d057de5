/* config.json: what is accepted is a configuration that a random model can be made of, and that model forecasts. */
#include "fuzz.h"
#include "model/config.h"

static bool is_small(const chronos2_config *c) {
  return c->d_model <= 32 && c->d_ff <= 32 && c->layers <= 2 && c->heads * c->d_kv <= 32 && c->patch <= 32;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  chronos2_config config;
  c2_trained trained = {0};
  c2_error err = {.code = C2_OK};
  fuzz_put("config.json", data, size);
  c2_status status = c2_config_read(fuzz_folder(), &config, &trained, &err);
  if (status != C2_OK) {
    fuzz_check_error(status, &err);
    return 0;
  }
  fuzz_require(config.quantiles >= 1 && config.quantiles <= 64, "1 to 64 quantile levels");
  fuzz_require(c2_config_median(&config) < config.quantiles, "0.5 is among the levels");
  if (!is_small(&config)) return 0;
  chronos2_model *model = NULL;
  if (chronos2_model_random(&config, 1, &(chronos2_model_options){CHRONOS2_MODEL_OPTIONS_INIT, .threads = 1},
                            &model) != CHRONOS2_OK) abort();
  fuzz_forecast(model);
  chronos2_model_close(&model);
  return 0;
}

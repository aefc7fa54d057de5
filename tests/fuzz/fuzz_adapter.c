/* A LoRA adapter's two files, edited: it is refused, or merged into a model that forecasts. */
#include "base/safetensors.h"
#include "fuzz.h"

#define MATRIX "base_model.model.encoder.block.0.layer.0.self_attention.q"

enum { FILES = 2, RANK = 2, INNER = 8, MODEL = 10 };
static fuzz_file file[FILES];

static void prepare(void) {
  static const char config[] =
      "{\"peft_type\": \"LORA\", \"r\": 2, \"lora_alpha\": 3, \"bias\": \"none\", \"use_rslora\": false,\n"
      " \"base_model_name_or_path\": \"base\", \"target_modules\": [\"q\"]}\n";
  float values[RANK * MODEL];
  for (size_t i = 0; i < RANK * MODEL; i++) values[i] = (float)(i % 5) / 8.0f;
  const c2_tensor_out out[] = {{MATRIX ".lora_A.weight", C2_F32, 2, {RANK, MODEL}, values},
                               {MATRIX ".lora_B.weight", C2_F32, 2, {INNER, RANK}, values}};
  fuzz_put_model(1);
  fuzz_put("adapter_config.json", config, sizeof config - 1);
  fuzz_put("adapter_model.safetensors", "", 0);
  char *path = fuzz_path("adapter_model.safetensors");
  if (c2_safetensors_write(path, out, 2, NULL) != C2_OK) abort();
  free(path);
  file[0] = fuzz_load("adapter_config.json");
  file[1] = fuzz_load("adapter_model.safetensors");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  chronos2_model *model = NULL;
  if (!file[0].bytes) prepare();
  fuzz_edit(file, FILES, data, size);
  chronos2_model_options options = {CHRONOS2_MODEL_OPTIONS_INIT, .threads = 1, .adapter = fuzz_folder()};
  chronos2_status status = chronos2_model_open(fuzz_folder(), &options, &model);
  if (status != CHRONOS2_OK) {
    fuzz_check_api_error(status);
    fuzz_require(!model, "there is no model after a failure");
    return 0;
  }
  fuzz_forecast(model);
  chronos2_model_close(&model);
  return 0;
}

/* LoRA adapters in PEFT's format, merged into the weights when a model is opened: W + s B A, with
 * s = lora_alpha / r, or lora_alpha / sqrt(r) under use_rslora (Hu et al. 2021; Kalajdzievski 2023). */
#ifndef C2_MODEL_ADAPTER_H
#define C2_MODEL_ADAPTER_H

#include "model/weights.h"

typedef struct c2_adapter {
  c2_safetensors file; /* in memory */
  double scale;
  size_t rank;
} c2_adapter;

/* Sets *found if the folder holds an adapter. As upstream, it is one then, whatever model lies beside it. */
c2_status c2_is_adapter(const char *folder, bool *found, c2_error *err);

/* The folder of an adapter's base model: base_model_name_or_path, found by c2_find_folder. */
c2_status c2_adapter_base(const char *folder, char **base, c2_error *err);

/* Opens adapter_config.json and adapter_model.safetensors. Each tensor must belong to a matrix of the model and
 * fit it. Variants that are merged in another way (DoRA, biases, saved modules, patterns of ranks) are refused.
 * Close the adapter also after a failure. */
c2_status c2_adapter_open(c2_adapter *adapter, const char *folder, const chronos2_model *model, c2_error *err);
void c2_adapter_close(c2_adapter *adapter);

/* A digest of everything that the merge depends on. */
uint64_t c2_adapter_digest(const c2_adapter *adapter);

/* True if the adapter changes this tensor. */
bool c2_adapter_changes(const c2_adapter *adapter, const c2_expected *tensor);

/* Adds the change to rows [first, first + rows) of values [out][in]; `values` begins at the first of them. */
c2_status c2_adapter_add(const c2_adapter *adapter, const c2_expected *tensor, size_t first, size_t rows, float *values,
                         c2_error *err);

#endif

/* A safetensors file: every tensor lies within the file, has the size of its shape and can be read. */
#include "base/safetensors.h"
#include "fuzz.h"

static void check_tensor(const c2_safetensors *file, const c2_tensor *t) {
  static volatile float sink;
  size_t elements = 1;
  for (size_t d = 0; d < t->dims; d++) elements *= t->shape[d];
  fuzz_require(t->dims <= C2_MAX_DIMS && elements == t->elements, "a tensor has the elements of its shape");
  fuzz_require(t->dtype == C2_OTHER_DTYPE || t->bytes == elements * c2_dtype_bytes(t->dtype), "bytes fit elements");
  fuzz_require(t->offset >= 8 && t->offset + t->bytes <= file->file.size, "data lies in the file");
  fuzz_require(c2_safetensors_find(file, t->name) == t, "a tensor is found by its name");
  bool number = t->dtype == C2_F32 || t->dtype == C2_F16 || t->dtype == C2_BF16 || t->dtype == C2_F64;
  if (!number || elements == 0) return;
  float *values = malloc(elements * sizeof *values);
  if (!values) abort();
  c2_tensor_to_float(t, values);
  sink = values[elements - 1];
  free(values);
  (void)sink;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  static char *path;
  c2_safetensors file;
  c2_error err = {.code = C2_OK};
  if (!path) path = fuzz_path("x.safetensors");
  fuzz_put("x.safetensors", data, size);
  c2_status status = c2_safetensors_open(&file, path, &err);
  if (status != C2_OK) {
    fuzz_check_error(status, &err);
    return 0;
  }
  size_t bytes = 0;
  for (size_t i = 0; i < file.count; i++) {
    check_tensor(&file, &file.tensors[i]);
    bytes += file.tensors[i].bytes;
  }
  fuzz_require(bytes + 8 <= size, "tensors don't overlap");
  (void)c2_safetensors_metadata(&file, "format");
  c2_safetensors_close(&file);
  return 0;
}

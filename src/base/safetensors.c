/* Reading and writing safetensors. Every length is checked before a pointer is formed from it. */
#include "base/safetensors.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/outfile.h"

static const size_t MAX_HEADER = 100 * 1000 * 1000;

static const struct {
  const char *name;
  c2_dtype dtype;
  size_t bytes;
} dtypes[] = {{"F32", C2_F32, 4},
              {"F16", C2_F16, 2},
              {"BF16", C2_BF16, 2},
              {"F64", C2_F64, 8},
              {"I64", C2_I64, 8},
              {"I32", C2_I32, 4},
              {"U8", C2_U8, 1},
              {"BOOL", C2_BOOL, 1},
              {"I8", C2_OTHER_DTYPE, 1},
              {"U16", C2_OTHER_DTYPE, 2},
              {"I16", C2_OTHER_DTYPE, 2},
              {"U32", C2_OTHER_DTYPE, 4},
              {"U64", C2_OTHER_DTYPE, 8},
              {"F8_E4M3", C2_OTHER_DTYPE, 1},
              {"F8_E5M2", C2_OTHER_DTYPE, 1}};

const char *c2_dtype_name(c2_dtype dtype) {
  for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++) {
    if (dtypes[i].dtype == dtype && dtype != C2_OTHER_DTYPE) return dtypes[i].name;
  }
  return "another type";
}

size_t c2_dtype_bytes(c2_dtype dtype) {
  for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++) {
    if (dtypes[i].dtype == dtype) return dtypes[i].bytes;
  }
  return 0;
}

static bool get_size(const json_t *value, size_t *out) {
  if (!json_is_integer(value) || json_integer_value(value) < 0) return false;
  *out = (size_t)json_integer_value(value);
  return true;
}

static c2_status read_shape(const char *path, const char *name, const json_t *shape, c2_tensor *t, c2_error *err) {
  if (!json_is_array(shape) || json_array_size(shape) > C2_MAX_DIMS) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: tensor '%s': shape is not a list of at most %d sizes", path, name, C2_MAX_DIMS);
  }
  t->dims = json_array_size(shape);
  t->elements = 1;
  for (size_t i = 0; i < t->dims; i++) {
    if (!get_size(json_array_get(shape, i), &t->shape[i])) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s: tensor '%s': shape holds something else than sizes", path, name);
    }
    if (!c2_mul(t->elements, t->shape[i], &t->elements)) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s: tensor '%s': the shape's size overflows", path, name);
    }
  }
  return C2_OK;
}

/* One entry of the header; `data` and `room` are the file's bytes behind the header. */
static c2_status read_tensor(const char *path, const char *name, const json_t *entry, const unsigned char *data,
                             size_t room, c2_tensor *t, c2_error *err) {
  const char *type = json_string_value(json_object_get(entry, "dtype"));
  const json_t *offsets = json_object_get(entry, "data_offsets");
  if (!json_is_object(entry) || !type || !json_is_array(offsets) || json_array_size(offsets) != 2) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: tensor '%s': expected dtype, shape and two data_offsets", path, name);
  }
  size_t width = 0;
  for (size_t i = 0; i < sizeof dtypes / sizeof dtypes[0]; i++) {
    if (strcmp(type, dtypes[i].name) == 0) {
      t->dtype = dtypes[i].dtype;
      width = dtypes[i].bytes;
    }
  }
  if (width == 0) C2_FAIL(err, C2_ERR_FORMAT, "%s: tensor '%s': unknown dtype '%s'", path, name, type);
  C2_TRY(read_shape(path, name, json_object_get(entry, "shape"), t, err));
  size_t begin = 0;
  size_t end = 0;
  if (!get_size(json_array_get(offsets, 0), &begin) || !get_size(json_array_get(offsets, 1), &end) || begin > end ||
      end > room) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: tensor '%s': data_offsets lie outside the file's %zu data bytes", path, name,
            room);
  }
  if (!c2_mul(t->elements, width, &t->bytes) || t->bytes != end - begin) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: tensor '%s': %zu data bytes, but its shape and dtype %s need %zu", path, name,
            end - begin, type, t->bytes);
  }
  t->data = data + begin;
  t->name = c2_strdup(name);
  if (!t->name) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a tensor's name");
  return C2_OK;
}

static int by_place(const void *a, const void *b) {
  const c2_tensor *x = a;
  const c2_tensor *y = b;
  if (x->data != y->data) return x->data < y->data ? -1 : 1;
  return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const c2_tensor *)a)->name, ((const c2_tensor *)b)->name);
}

/* The tensors must tile the data exactly. */
static c2_status check_layout(c2_safetensors *file, const unsigned char *data, size_t room, c2_error *err) {
  if (file->count > 0) qsort(file->tensors, file->count, sizeof *file->tensors, by_place);
  size_t at = 0;
  for (size_t i = 0; i < file->count; i++) {
    const c2_tensor *t = &file->tensors[i];
    if (t->data != data + at) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s: tensor '%s' begins at byte %zu of the data, expected %zu: a hole or an overlap",
              file->path, t->name, (size_t)(t->data - data), at);
    }
    at += t->bytes;
  }
  if (at != room) C2_FAIL(err, C2_ERR_FORMAT, "%s: %zu bytes behind the last tensor", file->path, room - at);
  if (file->count > 0) qsort(file->tensors, file->count, sizeof *file->tensors, by_name);
  return C2_OK;
}

static c2_status read_metadata(c2_safetensors *file, json_t *metadata, c2_error *err) {
  if (!json_is_object(metadata)) C2_FAIL(err, C2_ERR_FORMAT, "%s: __metadata__ is not an object", file->path);
  C2_TRY(c2_alloc_array(2 * json_object_size(metadata), sizeof *file->metadata, &file->metadata, err));
  const char *key = NULL;
  json_t *value = NULL;
  json_object_foreach(metadata, key, value) {
    if (!json_is_string(value)) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s: __metadata__ entry '%s' is not a string", file->path, key);
    }
    size_t at = 2 * file->metadata_count++;
    file->metadata[at] = c2_strdup(key);
    file->metadata[at + 1] = c2_strdup(json_string_value(value));
    if (!file->metadata[at] || !file->metadata[at + 1]) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate metadata");
  }
  return C2_OK;
}

static c2_status read_header(c2_safetensors *file, json_t **header, size_t *header_size, c2_error *err) {
  const c2_mapping *m = &file->mapping;
  if (m->size < 8) C2_FAIL(err, C2_ERR_FORMAT, "%s: %zu bytes are too few for a safetensors file", file->path, m->size);
  uint64_t length = 0;
  for (int i = 7; i >= 0; i--) length = length << 8 | m->data[i];
  if (length > MAX_HEADER || length > m->size - 8) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: header length %llu exceeds the file's %zu bytes or 100 MB", file->path,
            (unsigned long long)length, m->size);
  }
  json_error_t where;
  if (length < 2 || m->data[8] != '{') C2_FAIL(err, C2_ERR_FORMAT, "%s: the header is not a JSON object", file->path);
  *header = json_loadb((const char *)m->data + 8, (size_t)length, JSON_REJECT_DUPLICATES, &where);
  if (!*header) C2_FAIL(err, C2_ERR_FORMAT, "%s: header: column %d: %s", file->path, where.column, where.text);
  *header_size = (size_t)length;
  return C2_OK;
}

c2_status c2_safetensors_open(c2_safetensors *file, const char *path, c2_error *err) {
  memset(file, 0, sizeof *file);
  c2_status status = C2_OK;
  json_t *header = NULL;
  size_t header_size = 0;
  file->path = c2_strdup(path);
  if (!file->path) C2_GOTO(c2_fail(err, C2_ERR_MEMORY, "cannot allocate a path"));
  C2_GOTO(c2_map_file(path, &file->mapping, err));
  C2_GOTO(read_header(file, &header, &header_size, err));
  C2_GOTO(c2_alloc_array(json_object_size(header), sizeof *file->tensors, &file->tensors, err));
  const unsigned char *data = file->mapping.data + 8 + header_size;
  size_t room = file->mapping.size - 8 - header_size;
  const char *key = NULL;
  json_t *value = NULL;
  json_object_foreach(header, key, value) {
    if (strcmp(key, "__metadata__") == 0) {
      C2_GOTO(read_metadata(file, value, err));
    } else {
      C2_GOTO(read_tensor(path, key, value, data, room, &file->tensors[file->count], err));
      file->count++;
    }
  }
  C2_GOTO(check_layout(file, data, room, err));
  json_decref(header);
  return C2_OK;
fail:
  json_decref(header);
  c2_safetensors_close(file);
  return status;
}

void c2_safetensors_close(c2_safetensors *file) {
  for (size_t i = 0; i < file->count; i++) free(file->tensors[i].name);
  free(file->tensors);
  for (size_t i = 0; i < 2 * file->metadata_count; i++) free(file->metadata[i]);
  free(file->metadata);
  c2_unmap_file(&file->mapping);
  free(file->path);
  memset(file, 0, sizeof *file);
}

const c2_tensor *c2_safetensors_find(const c2_safetensors *file, const char *name) {
  if (file->count == 0) return NULL;
  c2_tensor key = {.name = (char *)(size_t)name};
  return bsearch(&key, file->tensors, file->count, sizeof key, by_name);
}

const char *c2_safetensors_metadata(const c2_safetensors *file, const char *key) {
  for (size_t i = 0; i < file->metadata_count; i++) {
    if (strcmp(file->metadata[2 * i], key) == 0) return file->metadata[2 * i + 1];
  }
  return NULL;
}

/* ---- Elements --------------------------------------------------------------------------------- */

static float from_bits(uint32_t bits) {
  float value = 0;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* IEEE 754 binary16 to binary32, subnormals, infinities and NaN included. */
static float from_half(uint16_t half) {
  uint32_t sign = (uint32_t)(half & 0x8000u) << 16;
  uint32_t exponent = (half >> 10) & 0x1fu;
  uint32_t fraction = half & 0x3ffu;
  if (exponent == 0x1f) return from_bits(sign | 0x7f800000u | fraction << 13);
  if (exponent > 0) return from_bits(sign | (exponent + 112) << 23 | fraction << 13);
  float value = (float)fraction * 0x1p-24f;
  return sign ? -value : value;
}

void c2_tensor_to_float(const c2_tensor *t, float *out) {
  for (size_t i = 0; i < t->elements; i++) {
    uint16_t half = 0;
    double wide = 0;
    switch (t->dtype) {
      case C2_F32: memcpy(&out[i], t->data + 4 * i, 4); break;
      case C2_BF16:
        memcpy(&half, t->data + 2 * i, 2);
        out[i] = from_bits((uint32_t)half << 16);
        break;
      case C2_F16:
        memcpy(&half, t->data + 2 * i, 2);
        out[i] = from_half(half);
        break;
      case C2_F64:
        memcpy(&wide, t->data + 8 * i, 8);
        out[i] = (float)wide;
        break;
      default: out[i] = 0.0f; break; /* callers check the dtype first */
    }
  }
}

/* ---- Writing ---------------------------------------------------------------------------------- */

static c2_status header_text(const c2_tensor_out *tensors, size_t count, char **text, c2_error *err) {
  json_t *header = json_object();
  size_t at = 0;
  for (size_t i = 0; i < count; i++) {
    size_t bytes = c2_dtype_bytes(tensors[i].dtype);
    json_t *shape = json_array();
    for (size_t d = 0; d < tensors[i].dims; d++) {
      json_array_append_new(shape, json_integer((json_int_t)tensors[i].shape[d]));
      bytes *= tensors[i].shape[d];
    }
    json_object_set_new(header, tensors[i].name,
                        json_pack("{s:s, s:o, s:[I, I]}", "dtype", c2_dtype_name(tensors[i].dtype), "shape", shape,
                                  "data_offsets", (json_int_t)at, (json_int_t)(at + bytes)));
    at += bytes;
  }
  *text = json_dumps(header, JSON_COMPACT);
  json_decref(header);
  if (!*text) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a safetensors header");
  return C2_OK;
}

c2_status c2_safetensors_write(const char *path, const c2_tensor_out *tensors, size_t count, c2_error *err) {
  char *text = NULL;
  c2_outfile file = {0};
  c2_status status = header_text(tensors, count, &text, err);
  if (status == C2_OK) status = c2_outfile_open(&file, path, err);
  if (status != C2_OK) goto fail;
  size_t length = strlen(text);
  size_t padded = c2_round_up(length, 8); /* data starts aligned, as the reference writer has it */
  for (int i = 0; i < 8; i++) (void)fputc((int)((uint64_t)padded >> (8 * i) & 0xff), file.stream);
  (void)fputs(text, file.stream);
  for (size_t i = length; i < padded; i++) (void)fputc(' ', file.stream);
  for (size_t i = 0; i < count; i++) {
    size_t bytes = c2_dtype_bytes(tensors[i].dtype);
    for (size_t d = 0; d < tensors[i].dims; d++) bytes *= tensors[i].shape[d];
    if (bytes > 0) (void)fwrite(tensors[i].data, 1, bytes, file.stream);
  }
  status = c2_outfile_commit(&file, err); /* reports any of the writes above */
fail:
  c2_outfile_discard(&file);
  free(text);
  return status;
}

/* Reading and writing safetensors. Every length is checked before a pointer is formed from it. */
#include "base/safetensors.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/json_writer.h"
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

static bool get_size(const c2_json *value, size_t *out) {
  int64_t size = 0;
  if (!c2_json_integer(value, &size) || size < 0) return false;
  *out = (size_t)size;
  return (uint64_t)*out == (uint64_t)size; /* addresses may have 32 bits */
}

static c2_status read_shape(const char *path, const char *name, const c2_json *shape, c2_tensor *t, c2_error *err) {
  if (!c2_json_is(shape, C2_JSON_ARRAY) || shape->size > C2_MAX_DIMS) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: tensor '%s': shape is not a list of at most %d sizes", path, name, C2_MAX_DIMS);
  }
  t->dims = 0;
  t->elements = 1;
  C2_JSON_EACH (size, shape) {
    if (!get_size(size, &t->shape[t->dims])) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s: tensor '%s': shape holds something else than sizes", path, name);
    }
    if (!c2_mul(t->elements, t->shape[t->dims++], &t->elements)) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s: tensor '%s': the shape's size overflows", path, name);
    }
  }
  return C2_OK;
}

/* One entry of the header; behind it lie `room` bytes from `data` on. */
static c2_status read_tensor(const char *path, const char *name, const c2_json *entry, size_t data, size_t room,
                             c2_tensor *t, c2_error *err) {
  const char *type = c2_json_string(c2_json_get(entry, "dtype"));
  const c2_json *offsets = c2_json_get(entry, "data_offsets");
  if (!type || !c2_json_is(offsets, C2_JSON_ARRAY) || offsets->size != 2) {
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
  C2_TRY(read_shape(path, name, c2_json_get(entry, "shape"), t, err));
  size_t begin = 0;
  size_t end = 0;
  const c2_json *first = c2_json_first(offsets);
  if (!get_size(first, &begin) || !get_size(first + 1, &end) || begin > end || end > room) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: tensor '%s': data_offsets lie outside the file's %zu data bytes", path, name,
            room);
  }
  if (!c2_mul(t->elements, width, &t->bytes) || t->bytes != end - begin) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: tensor '%s': %zu data bytes, but its shape and dtype %s need %zu", path, name,
            end - begin, type, t->bytes);
  }
  t->offset = data + begin;
  t->name = c2_strdup(name);
  if (!t->name) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a tensor's name");
  return C2_OK;
}

static int by_place(const void *a, const void *b) {
  const c2_tensor *x = a;
  const c2_tensor *y = b;
  if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
  return (x->bytes > y->bytes) - (x->bytes < y->bytes);
}

static int by_name(const void *a, const void *b) {
  return strcmp(((const c2_tensor *)a)->name, ((const c2_tensor *)b)->name);
}

/* The tensors must tile the data exactly. */
static c2_status check_layout(c2_safetensors *file, size_t data, size_t room, c2_error *err) {
  if (file->count > 0) qsort(file->tensors, file->count, sizeof *file->tensors, by_place);
  size_t at = 0;
  for (size_t i = 0; i < file->count; i++) {
    const c2_tensor *t = &file->tensors[i];
    if (t->offset != data + at) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s: tensor '%s' begins at byte %zu of the data, expected %zu: a hole or an overlap",
              file->path, t->name, t->offset - data, at);
    }
    at += t->bytes;
  }
  if (at != room) C2_FAIL(err, C2_ERR_FORMAT, "%s: %zu bytes behind the last tensor", file->path, room - at);
  if (file->count > 0) qsort(file->tensors, file->count, sizeof *file->tensors, by_name);
  return C2_OK;
}

static c2_status read_metadata(c2_safetensors *file, const c2_json *metadata, c2_error *err) {
  if (!c2_json_is(metadata, C2_JSON_OBJECT))
    C2_FAIL(err, C2_ERR_FORMAT, "%s: __metadata__ is not an object", file->path);
  C2_TRY(c2_alloc_array(2 * c2_json_size(metadata), sizeof *file->metadata, &file->metadata, err));
  C2_JSON_EACH (key, metadata) {
    const char *value = c2_json_string(key + 1);
    if (!value) {
      C2_FAIL(err, C2_ERR_FORMAT, "%s: __metadata__ entry '%s' is not a string", file->path, key->text);
    }
    size_t at = 2 * file->metadata_count++;
    file->metadata[at] = c2_strdup(key->text);
    file->metadata[at + 1] = c2_strdup(value);
    if (!file->metadata[at] || !file->metadata[at + 1]) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate metadata");
  }
  return C2_OK;
}

static c2_status read_header(const c2_safetensors *file, c2_json_document *header, size_t *header_size,
                             c2_error *err) {
  static const char pointer[] = "version https://git-lfs.github.com/spec/";
  const size_t size = file->file.size;
  unsigned char prefix[sizeof pointer] = {0};
  C2_TRY(c2_infile_read(&file->file, 0, c2_min_size(size, sizeof prefix), prefix, err));
  if (memcmp(prefix, pointer, sizeof pointer - 1) == 0) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: is a git-lfs pointer: fetch the file with git lfs pull", file->path);
  }
  if (size < 8) C2_FAIL(err, C2_ERR_FORMAT, "%s: %zu bytes are too few for a safetensors file", file->path, size);
  uint64_t length = 0;
  for (int i = 7; i >= 0; i--) length = length << 8 | prefix[i];
  if (length > MAX_HEADER || length > size - 8) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: header length %llu exceeds the file's %zu bytes or 100 MB", file->path,
            (unsigned long long)length, size);
  }
  *header_size = (size_t)length;
  C2_TRY(c2_alloc_array(*header_size + 1, 1, &header->loaded, err));
  C2_TRY(c2_infile_read(&file->file, 8, *header_size, header->loaded, err));
  if (header->loaded[0] != '{') C2_FAIL(err, C2_ERR_FORMAT, "%s: the header is not a JSON object", file->path);
  c2_error why;
  c2_status status = c2_json_parse(header, header->loaded, *header_size, &why);
  return status == C2_OK ? C2_OK : c2_fail(err, status, "%s: %s", file->path, why.text);
}

static c2_status read_entries(c2_safetensors *file, const c2_json *header, size_t header_size, c2_error *err) {
  size_t data = 8 + header_size;
  size_t room = file->file.size - data;
  C2_TRY(c2_alloc_array(c2_json_size(header), sizeof *file->tensors, &file->tensors, err));
  C2_JSON_EACH (key, header) {
    if (strcmp(key->text, "__metadata__") == 0) {
      C2_TRY(read_metadata(file, key + 1, err));
    } else {
      C2_TRY(read_tensor(file->path, key->text, key + 1, data, room, &file->tensors[file->count], err));
      file->count++;
    }
  }
  return check_layout(file, data, room, err);
}

c2_status c2_safetensors_open_header(c2_safetensors *file, const char *path, c2_error *err) {
  memset(file, 0, sizeof *file);
  c2_status status = C2_OK;
  size_t header_size = 0;
  c2_json_document header = {.path = "header", .failure = C2_ERR_FORMAT};
  C2_GOTO(c2_infile_open(&file->file, path, err));
  file->path = file->file.path;
  C2_GOTO(read_header(file, &header, &header_size, err));
  C2_GOTO(read_entries(file, header.node, header_size, err));
fail:
  c2_json_free(&header);
  if (status != C2_OK) c2_safetensors_close(file);
  return status;
}

c2_status c2_safetensors_sort(c2_safetensors *file, c2_error *err) {
  if (file->count > 0) qsort(file->tensors, file->count, sizeof *file->tensors, by_name);
  for (size_t i = 1; i < file->count; i++) {
    if (by_name(&file->tensors[i - 1], &file->tensors[i]) != 0) continue;
    C2_FAIL(err, C2_ERR_FORMAT, "%s: tensor '%s' is there twice", file->path, file->tensors[i].name);
  }
  return C2_OK;
}

c2_status c2_safetensors_open(c2_safetensors *file, const char *path, c2_error *err) {
  size_t bytes = 0;
  C2_TRY(c2_safetensors_open_header(file, path, err));
  for (size_t i = 0; i < file->count; i++) bytes += file->tensors[i].bytes; /* they tile the file's data */
  size_t begin = file->file.size - bytes;
  c2_status status = c2_alloc_array(bytes, 1, &file->content, err);
  if (status == C2_OK) status = c2_infile_read(&file->file, begin, bytes, file->content, err);
  if (status == C2_OK) status = c2_infile_check(&file->file, err);
  if (status != C2_OK) {
    c2_safetensors_close(file);
    return status;
  }
  for (size_t i = 0; i < file->count; i++) file->tensors[i].data = file->content + (file->tensors[i].offset - begin);
  return C2_OK;
}

c2_status c2_safetensors_read(const c2_safetensors *file, const c2_tensor *tensor, size_t first, size_t count,
                              void *out, c2_error *err) {
  size_t width = tensor->elements ? tensor->bytes / tensor->elements : 0;
  return c2_infile_read(&file->file, tensor->offset + first * width, count * width, out, err);
}

void c2_safetensors_close(c2_safetensors *file) {
  for (size_t i = 0; i < file->count; i++) free(file->tensors[i].name);
  free(file->tensors);
  for (size_t i = 0; i < 2 * file->metadata_count; i++) free(file->metadata[i]);
  free(file->metadata);
  free(file->content);
  c2_infile_close(&file->file);
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

void c2_elements_to_float(c2_dtype dtype, const unsigned char *raw, size_t count, float *out) {
  if (dtype == C2_F32) {
    if ((const void *)raw != (const void *)out && count > 0) memmove(out, raw, 4 * count);
    return;
  }
  for (size_t i = 0; i < count; i++) {
    uint16_t half = 0;
    double wide = 0;
    switch (dtype) {
      case C2_BF16:
        memcpy(&half, raw + 2 * i, 2);
        out[i] = from_bits((uint32_t)half << 16);
        break;
      case C2_F16:
        memcpy(&half, raw + 2 * i, 2);
        out[i] = from_half(half);
        break;
      case C2_F64:
        memcpy(&wide, raw + 8 * i, 8);
        out[i] = (float)wide;
        break;
      default: out[i] = 0.0f; break; /* callers check the dtype first */
    }
  }
}

void c2_tensor_to_float(const c2_tensor *t, float *out) {
  c2_elements_to_float(t->dtype, t->data, t->elements, out);
}

/* ---- Writing ---------------------------------------------------------------------------------- */

static void put_header(c2_json_writer *w, const c2_tensor_out *tensors, size_t count) {
  uint64_t at = 0;
  c2_json_begin_object(w, NULL);
  for (size_t i = 0; i < count; i++) {
    const c2_tensor_out *t = &tensors[i];
    uint64_t bytes = c2_dtype_bytes(t->dtype);
    c2_json_begin_object(w, t->name);
    c2_json_put_text(w, "dtype", c2_dtype_name(t->dtype));
    c2_json_begin_array(w, "shape");
    for (size_t d = 0; d < t->dims; d++) {
      c2_json_put_whole(w, NULL, t->shape[d]);
      bytes *= t->shape[d];
    }
    c2_json_end_array(w);
    c2_json_begin_array(w, "data_offsets");
    c2_json_put_whole(w, NULL, at);
    c2_json_put_whole(w, NULL, at + bytes);
    c2_json_end_array(w);
    c2_json_end_object(w);
    at += bytes;
  }
  c2_json_end_object(w);
}

c2_status c2_safetensors_write(const char *path, const c2_tensor_out *tensors, size_t count, c2_error *err) {
  c2_outfile file;
  c2_json_writer length = {.compact = true}; /* without a stream it only counts */
  c2_status status = C2_OK;
  put_header(&length, tensors, count);
  C2_GOTO(c2_outfile_open(&file, path, err));
  size_t padded = c2_round_up(length.size, 8); /* data starts aligned, as the reference writer has it */
  for (int i = 0; i < 8; i++) (void)fputc((int)((uint64_t)padded >> (8 * i) & 0xff), file.stream);
  c2_json_writer header = {.out = file.stream, .compact = true};
  put_header(&header, tensors, count);
  C2_GOTO(c2_json_finish(&header, path, err));
  for (size_t i = length.size; i < padded; i++) (void)fputc(' ', file.stream);
  for (size_t i = 0; i < count; i++) {
    size_t bytes = c2_dtype_bytes(tensors[i].dtype);
    for (size_t d = 0; d < tensors[i].dims; d++) bytes *= tensors[i].shape[d];
    if (bytes > 0) (void)fwrite(tensors[i].data, 1, bytes, file.stream);
  }
  C2_GOTO(c2_outfile_commit(&file, err)); /* reports any of the writes above */
fail:
  c2_outfile_discard(&file);
  return status;
}

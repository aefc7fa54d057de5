/* Safetensors files: untrusted bytes in, checked read-only views out.
 *
 * Format: https://github.com/huggingface/safetensors (8 bytes of header length, JSON, data). As strict
 * as the reference implementation: no holes, overlaps or trailing bytes, sizes that match shapes, known
 * types, a header within the file and 100 MB; and no duplicate keys. The writer makes such files. */
#ifndef C2_BASE_SAFETENSORS_H
#define C2_BASE_SAFETENSORS_H

#include <stddef.h>
#include <stdint.h>

#include "base/infile.h"
#include "base/status.h"

enum { C2_MAX_DIMS = 8 };

typedef enum c2_dtype { C2_F32, C2_F16, C2_BF16, C2_F64, C2_I64, C2_I32, C2_U8, C2_BOOL, C2_OTHER_DTYPE } c2_dtype;

typedef struct c2_tensor {
  char *name;
  c2_dtype dtype;
  size_t dims;
  size_t shape[C2_MAX_DIMS];
  size_t elements;
  size_t offset; /* of its bytes in the file */
  size_t bytes;
  const unsigned char *data; /* NULL if the file was opened by c2_safetensors_open_header; any alignment */
} c2_tensor;

typedef struct c2_safetensors {
  const char *path; /* the file's */
  c2_infile file;         /* open after c2_safetensors_open_header */
  unsigned char *content; /* all tensors' bytes, after c2_safetensors_open */
  size_t count;
  c2_tensor *tensors; /* [count], sorted by name */
  size_t metadata_count;
  char **metadata; /* [2 * metadata_count]: key, value, ... */
} c2_safetensors;

/* Reads the whole file into memory. */
c2_status c2_safetensors_open(c2_safetensors *file, const char *path, c2_error *err);

/* Reads the header alone and keeps the file open for c2_safetensors_read. */
c2_status c2_safetensors_open_header(c2_safetensors *file, const char *path, c2_error *err);

/* Reads the elements [first, first + count) of a tensor, as they are stored. Several threads may read at once. */
c2_status c2_safetensors_read(const c2_safetensors *file, const c2_tensor *tensor, size_t first, size_t count,
                              void *out, c2_error *err);
void c2_safetensors_close(c2_safetensors *file);

/* Puts the tensors in order again after their names were changed; refuses two of one name. */
c2_status c2_safetensors_sort(c2_safetensors *file, c2_error *err);

/* The tensor of that name, or NULL. */
const c2_tensor *c2_safetensors_find(const c2_safetensors *file, const char *name);
const char *c2_safetensors_metadata(const c2_safetensors *file, const char *key);

const char *c2_dtype_name(c2_dtype dtype);
size_t c2_dtype_bytes(c2_dtype dtype);

/* Writes all elements of an F32, F16, BF16 or F64 tensor as float32. Its data must be in memory. */
void c2_tensor_to_float(const c2_tensor *tensor, float *out);

/* Writes elements of such a type, given as bytes, as float32. `raw` may be the last bytes of `out`. */
void c2_elements_to_float(c2_dtype dtype, const unsigned char *raw, size_t count, float *out);

/* What a writer is given for one tensor. */
typedef struct c2_tensor_out {
  const char *name;
  c2_dtype dtype; /* C2_F32, C2_I64 */
  size_t dims;
  size_t shape[C2_MAX_DIMS];
  const void *data;
} c2_tensor_out;

/* Writes a whole file or none. */
c2_status c2_safetensors_write(const char *path, const c2_tensor_out *tensors, size_t count, c2_error *err);

#endif

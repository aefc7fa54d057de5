/* What fuzz targets share. A target is one file with LLVMFuzzerTestOneInput: it gives the bytes to one reader and
 * requires that the reader either refuses them with one line of text or returns what its header promises.
 *
 * libFuzzer drives a target under the preset `fuzz`; in every other build regression.c does. */
#ifndef C2_TESTS_FUZZ_H
#define C2_TESTS_FUZZ_H

#include <chronos2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/status.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the process where a promise is broken; the driver then keeps the input. */
static inline void fuzz_require(bool holds, const char *promise) {
  if (holds) return;
  (void)fprintf(stderr, "fuzz: broken promise: %s\n", promise);
  abort();
}

/* What every refusal must look like. */
static inline void fuzz_check_error(c2_status status, const c2_error *err) {
  fuzz_require(status != C2_OK && status == err->code, "the status is the error's code");
  fuzz_require(err->text[0] != '\0', "an error has a text");
}

/* The same for a call of the public interface. */
static inline void fuzz_check_api_error(chronos2_status status) {
  fuzz_require(status != CHRONOS2_OK && chronos2_last_error()[0] != '\0', "an error has a text");
}

/* ---- Files (files.c) --------------------------------------------------------------------------- */

/* A folder of this process's own in $TMPDIR, else in memory where the system has such a place; removed at the end. */
const char *fuzz_folder(void);

/* "folder/name"; the caller frees it. */
char *fuzz_path(const char *name);

/* Writes folder/name. */
void fuzz_put(const char *name, const void *data, size_t size);
void fuzz_remove(const char *name);

/* Cuts `data` at lines that are "====": at most `most` parts, which are copies with a zero at their end. Returns how
 * many there are. Free each with free(). */
size_t fuzz_parts(const uint8_t *data, size_t size, char **part, size_t *length, size_t most);

/* ---- Edits of a valid file (files.c) ------------------------------------------------------------ */

typedef struct fuzz_file {
  const char *name;
  unsigned char *bytes; /* as it is when nothing is edited */
  size_t size;
} fuzz_file;

/* The file folder/name as it is now. */
fuzz_file fuzz_load(const char *name);

/* Writes the files anew with the edits that `data` describes. */
void fuzz_edit(const fuzz_file *files, size_t count, const uint8_t *data, size_t size);

/* ---- A tiny model (files.c) --------------------------------------------------------------------- */

/* Configuration of a model of about 10,000 parameters. */
chronos2_config fuzz_config(void);

/* Writes config.json and the weights of a random model into the folder: in `shards` files with an index, or in one. */
void fuzz_put_model(size_t shards);

/* Opens a session and forecasts; whatever comes is either an error with a text or finite numbers. */
void fuzz_forecast(const chronos2_model *model);

/* ---- Structured bytes --------------------------------------------------------------------------- */

typedef struct fuzz_reader {
  const uint8_t *at, *end;
} fuzz_reader;

/* 0 beyond the end. */
static inline uint8_t fuzz_byte(fuzz_reader *r) {
  return r->at < r->end ? *r->at++ : 0;
}

static inline uint64_t fuzz_word(fuzz_reader *r, size_t bytes) {
  uint64_t word = 0;
  for (size_t i = 0; i < bytes; i++) word = word << 8 | fuzz_byte(r);
  return word;
}

#endif

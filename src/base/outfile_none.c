/* The outputs of a build for systems that can't replace a file: every one of them is refused. */
#include <string.h>

#include "base/outfile.h"

c2_status c2_outfile_open(c2_outfile *file, const char *path, c2_error *err) {
  memset(file, 0, sizeof *file);
  C2_FAIL(err, C2_ERR_UNSUPPORTED, "%s: this build writes no files", path ? path : "standard output");
}

c2_status c2_outfile_flush(c2_outfile *file, c2_error *err) {
  return c2_outfile_commit(file, err);
}

c2_status c2_outfile_commit(c2_outfile *file, c2_error *err) {
  (void)file;
  C2_FAIL(err, C2_ERR_UNSUPPORTED, "this build writes no files");
}

void c2_outfile_discard(c2_outfile *file) {
  (void)file;
}

c2_status c2_outfile_keep_input(const char *output, const char *input, c2_error *err) {
  (void)output;
  (void)input;
  (void)err;
  return C2_OK;
}

bool c2_outfile_same(const char *a, const char *b) {
  return strcmp(a ? a : "-", b ? b : "-") == 0;
}

c2_status c2_outfile_target(const char *path, char **target, c2_error *err) {
  (void)path;
  (void)err;
  *target = NULL;
  return C2_OK;
}

void c2_outfile_sweep(const char *prefix, int idle) {
  (void)prefix;
  (void)idle;
}

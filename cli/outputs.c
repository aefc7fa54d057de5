/* The files that a command writes, all or none. */
#include "cli/outputs.h"

#include <string.h>

c2_status cli_outputs_open(c2_outfile *file, const char *const *paths, size_t count, c2_error *err) {
  for (size_t i = 0; i < count; i++) file[i] = (c2_outfile){.descriptor = -1};
  for (size_t i = 0; i < count; i++) {
    if (paths[i]) C2_TRY(c2_outfile_open(&file[i], paths[i], err));
  }
  return C2_OK;
}

c2_status cli_outputs_commit(c2_outfile *file, size_t count, c2_error *err) {
  for (size_t i = 0; i < count; i++) {
    if (file[i].stream) C2_TRY(c2_outfile_flush(&file[i], err));
  }
  for (size_t i = 0; i < count; i++) {
    if (file[i].stream) C2_TRY(c2_outfile_commit(&file[i], err));
  }
  return C2_OK;
}

void cli_outputs_discard(c2_outfile *file, size_t count) {
  for (size_t i = 0; i < count; i++) c2_outfile_discard(&file[i]);
}

bool cli_outputs_take_stdout(const char *const *paths, size_t count) {
  for (size_t i = 0; i < count; i++) {
    if (paths[i] && (strcmp(paths[i], "-") == 0 || c2_outfile_same(paths[i], NULL))) return true;
  }
  return false;
}

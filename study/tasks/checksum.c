/* Checksums of files and folders. */
#include "study/tasks/checksum.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/infile.h"

c2_status c2_sha256_files(const char *const *paths, size_t count, char out[C2_SHA_ROOM], c2_error *err) {
  c2_sha s;
  if (count == 1) return c2_sha256_file(paths[0], out, err);
  c2_sha_begin(&s, C2_SHA256);
  for (size_t i = 0; i < count; i++) {
    C2_TRY(c2_sha256_file(paths[i], out, err));
    c2_sha_add(&s, out, C2_SHA_ROOM - 1);
    c2_sha_add(&s, "\n", 1);
  }
  c2_sha_end(&s, out);
  return C2_OK;
}

static int is_model_file(const struct dirent *entry) {
  return strcmp(entry->d_name, "config.json") == 0 || strcmp(entry->d_name, "adapter_config.json") == 0 ||
         strstr(entry->d_name, ".safetensors") != NULL;
}

/* Bytewise, whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

c2_status c2_sha256_folder(const char *folder, char out[C2_SHA_ROOM], c2_error *err) {
  struct dirent **entry = NULL;
  int count = scandir(folder, &entry, is_model_file, by_name);
  if (count < 0) C2_FAIL(err, C2_ERR_IO, "%s: cannot list the folder: %s", folder, strerror(errno));
  c2_status status = C2_OK;
  c2_sha all;
  c2_sha_begin(&all, C2_SHA256);
  for (int i = 0; i < count; i++) {
    char path[4096];
    char line[C2_SHA_ROOM + sizeof entry[i]->d_name + 4];
    (void)snprintf(path, sizeof path, "%s/%s", folder, entry[i]->d_name);
    if (status == C2_OK) status = c2_sha256_file(path, out, err);
    int size = snprintf(line, sizeof line, "%s  %s\n", out, entry[i]->d_name);
    if (status == C2_OK) c2_sha_add(&all, line, (size_t)size);
    free(entry[i]);
  }
  free(entry);
  if (status == C2_OK) c2_sha_end(&all, out);
  return status;
}

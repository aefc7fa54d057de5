/* Names of temporary files. */
#include "base/temporary.h"

#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/platform.h"

enum { NAMES = 16, NAME_ROOM = 1024 };
enum { FREE, TAKEN, KEPT };

/* The names are copies: a handler runs while another thread may free those of their owners. */
static struct {
  atomic_int state;
  char path[NAME_ROOM];
} name[NAMES];

const char *c2_temporary_folder(void) {
  const char *folder = getenv("TMPDIR");
  return folder && *folder ? folder : "/tmp";
}

size_t c2_temporary_keep(const char *path) {
  size_t size = strlen(path) + 1;
  for (size_t i = 0; size <= NAME_ROOM && i < NAMES; i++) {
    int state = FREE;
    if (!atomic_compare_exchange_strong(&name[i].state, &state, TAKEN)) continue;
    memcpy(name[i].path, path, size);
    atomic_store(&name[i].state, KEPT);
    return i + 1;
  }
  return 0;
}

void c2_temporary_drop(size_t kept) {
  if (kept > 0) atomic_store(&name[kept - 1].state, FREE);
}

bool c2_temporary_make_folder(char *out, size_t room, size_t *kept) {
  uint64_t random = 0;
  bool is_random = c2_random_bytes(&random, sizeof random);
  int n = snprintf(out, room, "%s/chronos2-%016llx", c2_temporary_folder(), (unsigned long long)random);
  *kept = c2_temporary_keep(out); /* before it is there, so that no signal comes between */
  if (is_random && n > 0 && (size_t)n < room && mkdir(out, 0700) == 0) return true;
  c2_temporary_drop(*kept);
  *kept = 0;
  *out = '\0'; /* it isn't ours to remove */
  return false;
}

void c2_temporary_remove(void) {
  for (size_t i = 0; i < NAMES; i++) {
    if (atomic_load(&name[i].state) == KEPT) (void)unlink(name[i].path);
  }
  for (size_t i = 0; i < NAMES; i++) {
    if (atomic_load(&name[i].state) == KEPT) (void)rmdir(name[i].path);
  }
}

/* Names of temporary files. */
#include "base/temporary.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

void c2_temporary_remove(void) {
  for (size_t i = 0; i < NAMES; i++) {
    if (atomic_load(&name[i].state) == KEPT) (void)unlink(name[i].path);
  }
  for (size_t i = 0; i < NAMES; i++) {
    if (atomic_load(&name[i].state) == KEPT) (void)rmdir(name[i].path);
  }
}

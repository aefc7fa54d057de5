/* The files of a forecast by the program: a past, and a future beside it. */
#ifndef C2_TESTS_TABLES_H
#define C2_TESTS_TABLES_H

#include "program.h"

typedef struct files {
  char *folder, *past, *future;
} files;

/* In a folder of their own; `past` is a name. */
static inline files open_files(const char *past) {
  files f = {.folder = program_make_folder()};
  f.past = program_path(f.folder, past);
  f.future = program_path(f.folder, "future.csv");
  return f;
}

static inline void close_files(files *f) {
  program_remove_folder(f->folder);
  free(f->past);
  free(f->future);
}

static inline void write_text(const char *path, const char *text) {
  program_write_file(path, text, strlen(text));
}

#endif

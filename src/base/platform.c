/* The operating system, as POSIX has it. What differs is in platform_linux.c and platform_other.c. */
#define _GNU_SOURCE /* strtod_l */
#include "base/platform.h"

#include <errno.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#ifdef __APPLE__
#include <xlocale.h> /* strtod_l */
#endif

double c2_strtod(const char *text) {
  locale_t plain = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* a constant of the C library: nothing is allocated */
  if (!plain) return (double)NAN;
  double value = strtod_l(text, NULL, plain);
  freelocale(plain);
  return value;
}

double c2_clock_seconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

/* ---- Paths ------------------------------------------------------------------------------------ */

bool c2_is_directory(const char *path) {
  struct stat info;
  return stat(path, &info) == 0 && S_ISDIR(info.st_mode);
}

c2_status c2_find_folder(char **out, const char *folder, const char *name, c2_error *err) {
  static const char *const places[] = {"", "/", "/../"};
  size_t room = strlen(folder) + strlen(name) + sizeof "/../";
  char *path = malloc(room);
  if (!path) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a path");
  for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
    (void)snprintf(path, room, "%s%s%s", i == 0 ? "" : folder, places[i], name);
    *out = path;
    if ((i == 0 || name[0] != '/') && c2_is_directory(path)) return C2_OK;
  }
  *out = NULL;
  free(path);
  return C2_OK;
}

bool c2_same_file(const char *a, const char *b) {
  struct stat of_a;
  struct stat of_b;
  return stat(a, &of_a) == 0 && stat(b, &of_b) == 0 && of_a.st_dev == of_b.st_dev && of_a.st_ino == of_b.st_ino;
}

bool c2_is_link(const char *path) {
  struct stat info;
  return lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
}

bool c2_file_exists(const char *path) {
  struct stat info;
  return stat(path, &info) == 0;
}

c2_status c2_path_join(char **out, const char *folder, const char *name, c2_error *err) {
  size_t room = strlen(folder) + strlen(name) + 2;
  *out = malloc(room);
  if (!*out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate %zu bytes", room);
  (void)snprintf(*out, room, "%s/%s", folder, name);
  return C2_OK;
}

c2_status c2_make_folder(const char *path, c2_error *err) {
  char *part = strdup(path);
  if (!part) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a path");
  c2_status status = C2_OK;
  for (char *at = part; status == C2_OK && *at; at++) {
    if (at[1] != '\0' && (at[1] != '/' || *at == '/')) continue; /* the end of a name */
    char kept = at[1];
    at[1] = '\0';
    int reason = mkdir(part, 0777) == 0 ? 0 : errno;
    if (reason && reason != EEXIST && !c2_is_directory(part)) {
      status = c2_fail(err, C2_ERR_IO, "%s: cannot create the folder: %s", part, strerror(reason));
    }
    at[1] = kept;
  }
  if (status == C2_OK && !c2_is_directory(path)) status = c2_fail(err, C2_ERR_IO, "%s: not a folder", path);
  free(part);
  return status;
}

/* Sorting by a file: runs of rows that fit into memory are sorted by group and written, and taken in turn. Knows no
 * columns. */
#include "data/spill.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/temporary.h"

/* Bytes of a run, and of what is read of all runs at once. */
enum { RUN_BYTES = 1 << 25, READ_BYTES = 1 << 24, KEY = sizeof(uint32_t) };

static uint32_t group_of(const unsigned char *row) {
  uint32_t group = 0;
  memcpy(&group, row, KEY);
  return group;
}

static size_t stride(const c2_spill *s) {
  return KEY + s->width;
}

/* ---- Writing --------------------------------------------------------------------------------- */

static c2_status fail_file(c2_spill *s, const char *what, c2_error *err) {
  s->has_failed = true;
  C2_FAIL(err, C2_ERR_IO, "%s: cannot %s a temporary file: %s", c2_temporary_folder(), what, strerror(errno));
}

static c2_status open_file(c2_spill *s, c2_error *err) {
  char path[4096];
  int n = snprintf(path, sizeof path, "%s/chronos2-rows-XXXXXX", c2_temporary_folder());
  errno = ENAMETOOLONG;
  int file = n > 0 && (size_t)n < sizeof path ? mkstemp(path) : -1;
  if (file < 0) return fail_file(s, "create", err);
  (void)unlink(path);
  (void)fcntl(file, F_SETFD, FD_CLOEXEC);
  s->file = fdopen(file, "w+b");
  if (s->file) return C2_OK;
  (void)close(file);
  return fail_file(s, "open", err);
}

/* Writes the rows in the order of their groups: counted, then placed. */
static c2_status write_run(c2_spill *s, c2_error *err) {
  size_t *end = NULL; /* of each group's places, which are filled from their end */
  uint32_t *order = NULL;
  c2_status status = C2_OK;
  if (s->count == 0) return C2_OK;
  if (!s->file) C2_TRY(open_file(s, err));
  C2_GOTO(c2_alloc_array(s->groups, sizeof *end, &end, err));
  C2_GOTO(c2_alloc_array(s->count, sizeof *order, &order, err));
  for (size_t i = 0; i < s->count; i++) end[group_of(s->row + i * stride(s))]++;
  for (size_t k = 1; k < s->groups; k++) end[k] += end[k - 1];
  for (size_t i = s->count; i-- > 0;) order[--end[group_of(s->row + i * stride(s))]] = (uint32_t)i;
  C2_GOTO(c2_grow_array(&s->run, &s->capacity, s->runs + 1, sizeof *s->run, err));
  const c2_spill_run *before = s->runs > 0 ? &s->run[s->runs - 1] : NULL;
  size_t offset = before ? before->offset + before->left * stride(s) : 0;
  for (size_t i = 0; i < s->count; i++) {
    if (fwrite(s->row + order[i] * stride(s), stride(s), 1, s->file) == 1) continue;
    C2_GOTO(fail_file(s, "write", err));
  }
  s->run[s->runs++] = (c2_spill_run){.offset = offset, .left = s->count};
  s->count = 0;
fail:
  free(end);
  free(order);
  return status;
}

c2_status c2_spill_add(c2_spill *s, uint32_t group, const void *row, c2_error *err) {
  if (s->most == 0) s->most = c2_max_size(RUN_BYTES / stride(s), 1);
  if (!s->row) C2_TRY(c2_alloc_array(s->most, stride(s), &s->row, err));
  if (s->count == s->most) C2_TRY(write_run(s, err));
  unsigned char *to = s->row + s->count++ * stride(s);
  memcpy(to, &group, KEY);
  memcpy(to + KEY, row, s->width);
  s->groups = c2_max_size(s->groups, (size_t)group + 1);
  return C2_OK;
}

/* ---- Reading --------------------------------------------------------------------------------- */

static c2_status fill(c2_spill *s, c2_spill_run *run, c2_error *err) {
  size_t n = c2_min_size(run->left, s->room);
  size_t size = n * stride(s);
  for (size_t done = 0; done < size;) {
    ssize_t got = pread(fileno(s->file), run->row + done, size - done, (off_t)(run->offset + done));
    if (got < 0 && errno == EINTR) continue;
    if (got == 0) errno = EIO;
    if (got <= 0) return fail_file(s, "read", err);
    done += (size_t)got;
  }
  run->offset += size;
  run->left -= n;
  run->count = n;
  run->at = 0;
  return C2_OK;
}

static bool has_row(const c2_spill_run *run) {
  return run->at < run->count;
}

static uint32_t head_of(const c2_spill *s, const c2_spill_run *run) {
  return group_of(run->row + run->at * stride(s));
}

/* The first run with a row of the lowest group; `runs` if there is none. */
static void find_head(c2_spill *s) {
  s->at = s->runs;
  for (size_t k = 0; k < s->runs; k++) {
    if (!has_row(&s->run[k])) continue;
    uint32_t group = head_of(s, &s->run[k]);
    if (s->at < s->runs && group >= s->group) continue;
    s->at = k;
    s->group = group;
  }
}

c2_status c2_spill_sort(c2_spill *s, c2_error *err) {
  C2_TRY(write_run(s, err));
  free(s->row);
  s->row = NULL;
  if (s->file && fflush(s->file) != 0) return fail_file(s, "write", err);
  s->room = c2_max_size(READ_BYTES / stride(s) / c2_max_size(s->runs, 1), 16);
  for (size_t k = 0; k < s->runs; k++) {
    C2_TRY(c2_alloc_array(s->room, stride(s), &s->run[k].row, err));
    C2_TRY(fill(s, &s->run[k], err));
  }
  find_head(s);
  return C2_OK;
}

bool c2_spill_head(const c2_spill *s, uint32_t *group) {
  if (s->at < s->runs) *group = s->group;
  return s->at < s->runs;
}

const unsigned char *c2_spill_row(const c2_spill *s) {
  const c2_spill_run *run = &s->run[s->at];
  return run->row + run->at * stride(s) + KEY;
}

/* Runs before the one that has the head have no more rows of its group. */
c2_status c2_spill_take(c2_spill *s, c2_error *err) {
  c2_spill_run *run = &s->run[s->at];
  if (++run->at == run->count && run->left > 0) C2_TRY(fill(s, run, err));
  while (s->at < s->runs && !(has_row(&s->run[s->at]) && head_of(s, &s->run[s->at]) == s->group)) s->at++;
  if (s->at == s->runs) find_head(s);
  return C2_OK;
}

void c2_spill_close(c2_spill *s) {
  for (size_t k = 0; k < s->runs; k++) free(s->run[k].row);
  if (s->file) (void)fclose(s->file);
  free(s->run);
  free(s->row);
  memset(s, 0, sizeof *s);
}

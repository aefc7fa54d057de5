/* Rows that come in any order and are taken group by group, within a group in the order in which they came. Beyond some
 * megabytes they lie in a temporary file, which has no name any more and vanishes with the process.
 *
 *     spill.width = ...;
 *     C2_GOTO(c2_spill_add(&spill, group, row, err)); ...
 *     C2_GOTO(c2_spill_sort(&spill, err));
 *     while (c2_spill_head(&spill, &group)) {
 *       use c2_spill_row(&spill)
 *       C2_GOTO(c2_spill_take(&spill, err));
 *     }
 *   fail:
 *     c2_spill_close(&spill);
 */
#ifndef C2_DATA_SPILL_H
#define C2_DATA_SPILL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/status.h"

/* Rows of the file in the order of their groups, and those of them that are in memory. */
typedef struct c2_spill_run {
  size_t offset, left; /* of the file; rows that were not read yet */
  unsigned char *row;  /* [room][4 + width] */
  size_t at, count;    /* of the rows in memory */
} c2_spill_run;

/* Zeroed but for the width. */
typedef struct c2_spill {
  size_t width;         /* bytes of a row */
  size_t most;          /* rows of a run; 0: those of 32 MB */
  unsigned char *row;   /* [most][4 + width]: a group's number before its row; of the run that is added to */
  size_t count, groups; /* of that run; groups of all rows */
  FILE *file;
  c2_spill_run *run;
  size_t runs, capacity;
  size_t room;     /* of each run */
  size_t at;       /* the run that has the head */
  uint32_t group;  /* of the head */
  bool has_failed; /* the temporary file has */
} c2_spill;

c2_status c2_spill_add(c2_spill *spill, uint32_t group, const void *row, c2_error *err);

/* All rows have been added. */
c2_status c2_spill_sort(c2_spill *spill, c2_error *err);

/* The group of the next row; false if all were taken. The row stays where it is until it is taken. */
bool c2_spill_head(const c2_spill *spill, uint32_t *group);
const unsigned char *c2_spill_row(const c2_spill *spill);
c2_status c2_spill_take(c2_spill *spill, c2_error *err);

void c2_spill_close(c2_spill *spill);

#endif

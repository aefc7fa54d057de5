/* The time axis of a long table: what its column of time stamps holds, the frequency of each item, and the step of each
 * row. For the readers of data/ alone. */
#ifndef C2_DATA_AXIS_H
#define C2_DATA_AXIS_H

#include "data/table.h"

/* The frequency with the most votes; NULL if there is none. */
const c2_freq *c2_ballot_winner(const c2_ballot *ballot);

/* Decides whether the column holds time stamps, years or steps that are counted, and gives the rows of an item one
 * clock. All rows must have been read, and not sorted yet. Groups are items of the set. */
c2_status c2_axis_settle(c2_table *t, c2_dataset *set, const c2_read_options *options, c2_error *err);

/* Does the same for rows that continue the items. Groups are scenario * items + item, or scenarios in a file without
 * ids. */
c2_status c2_axis_settle_future(c2_table *t, c2_dataset *set, c2_error *err);

/* Fails where rows without ids don't hold for both items: their clocks differ, or rows without time stamps would be
 * other steps of each. */
c2_status c2_axis_check_shared(const char *file, const c2_item *a, const c2_item *b, bool has_stamps, c2_error *err);

/* Whether the row, which was settled, counts for a day of the item by the clock on the wall though the item's past has
 * no such offset from UTC. */
bool c2_axis_is_foreign(const c2_table *t, const c2_table_row *row, const c2_item *item);

/* The time stamp of such a row, with its own offset from UTC. */
void c2_axis_stamp(const c2_table *t, const c2_table_row *row, const c2_item *item, char out[C2_TIME_ROOM]);

/* Finds the frequency of every item. The rows must have been sorted. */
c2_status c2_axis_infer(const c2_table *t, c2_dataset *set, const c2_read_options *options, c2_error *err);

/* Finds the step of each of the n sorted rows of an item from `begin` on, and so the item's start and length. It counts
 * over the whole file what has to be filled in, and refuses more than a file of its size may ask for. */
c2_status c2_axis_place(c2_table *t, c2_item *item, size_t begin, size_t n, int64_t *steps, c2_error *err);

/* Adds to the set what c2_axis_place counted, with a note where it is much. */
c2_status c2_axis_report(const c2_table *t, c2_dataset *set, c2_error *err);

#endif

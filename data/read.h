/* Files to series.
 *
 *     c2_dataset set = {0};
 *     C2_GOTO(c2_dataset_read(&set, "sales.csv", &(c2_read_options){0}, err));
 *     ... set.item[i] ...
 *   fail:
 *     c2_dataset_free(&set);
 */
#ifndef C2_DATA_READ_H
#define C2_DATA_READ_H

#include "data/reader.h"

/* Appends the series of a file: JSON Lines for .jsonl, .ndjson and .json, CSV for .csv, Arrow for .arrow, .arrows,
 * .feather and .ipc, DuckDB for .parquet and others and for folders, else by the first characters. A CSV file that ends
 * in .gz or .zst is decompressed. "-" is standard input. Ids are unique over all files read into one set unless
 * it allows twins; an item without an id is named by its index. An error names file, line and column. After a failure
 * the set may only be freed.
 */
c2_status c2_dataset_read(c2_dataset *set, const char *path, const c2_read_options *options, c2_error *err);

/* The same for several files. Tables with ids are read as one: an item may have rows in several of them, at different
 * times. */
c2_status c2_dataset_read_all(c2_dataset *set, const char *const *paths, size_t count, const c2_read_options *options,
                              c2_error *err);

/* The same in two steps, for those who look at the columns' names before they say what they want. The first step reads
 * the file; where `table` is set, it must hold a table. The second step may be taken once. Path and input
 * stay where they are until the input is closed, which it must be after a failure, too. Without a dialect it is found.
 */
c2_status c2_input_open(c2_input *input, const char *path, bool table, const c2_dialect *dialect, c2_error *err);
c2_status c2_input_read(c2_input *input, c2_dataset *set, const c2_read_options *options, c2_error *err);

/* The first step for a table that is read in parts, by reader->next: a regular file that is CSV, or what DuckDB reads.
 * Where there is no such function, the file holds no table. The other function tells by the path and the first bytes
 * whether it may be one. */
bool c2_input_has_parts(const char *path);
c2_status c2_input_open_parts(c2_input *input, const char *path, const c2_dialect *dialect, c2_error *err);

/* The result of an SQL query, one SELECT, by DuckDB: over the tables of a database file (or NULL), which is only read,
 * and whatever files it names. */
c2_status c2_input_open_sql(c2_input *input, const char *sql, const char *database, const c2_dialect *dialect,
                            c2_error *err);
void c2_input_close(c2_input *input);

/* Adds to the set, once the columns of a table were read, what was found of how its file spells cells beyond what was
 * asked for. It fails where that shows that another file was misread. in_utc: its time stamps have a zone, whose clock
 * isn't known. */
c2_status c2_input_note(c2_dataset *set, const c2_input *input, bool in_utc, const c2_dialect *asked, c2_error *err);

/* What a cell of a further table says on the axis and the clock of an item, as tables of the future are read: whole
 * numbers where the item's steps are such, else years, months, days or seconds; instants where offsets from UTC differ,
 * and where steps are days the day on the wall if the instant is no step.
 * `stamp` is a column of the frame. *read_as, NULL at first, receives what whole numbers in it are, as "years", which
 * are of one kind. It is an error if just one of the item and the cell has an offset. */
c2_status c2_item_time(const c2_item *item, const char *file, const c2_frame *frame, const c2_column *stamp, size_t at,
                       c2_time *out, const char **read_as, c2_error *err);

/* Adds that to what the set says was found; NULL: nothing. */
c2_status c2_note_whole_numbers(c2_dataset *set, const char *read_as, c2_error *err);

/* Whether a row is a table's, not a series. */
static inline bool c2_input_is_table(const c2_input *input) {
  return !input->reader->read_series;
}

/* c2_input_open of a content that is in memory: text[size] must be writable, and outlive the input. */
c2_status c2_input_start(c2_input *input, const char *path, char *text, size_t size, bool table,
                         const c2_dialect *dialect, c2_error *err);

/* The same for Arrow from a stranger, bytes [size] aligned to 8. Beside what the bounds allow, reading takes
 * 12 times as much as they hold of texts. */
c2_status c2_input_start_arrow(c2_input *input, const char *name, char *bytes, size_t size, const c2_bounds *bounds,
                               c2_error *err);

#endif

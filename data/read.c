/* Which reader a file is for, and its content, which is read once. Knows no format. */
#include "data/read.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/infile.h"
#include "base/memory.h"
#include "data/assemble.h"
#include "data/compressed.h"
#include "data/duckdb_source.h"
#include "data/joined.h"
#include "data/jsonl.h"

/* The first one that recognises a file reads it. */
static const c2_reader *const readers[] = {&c2_arrow_reader, &c2_json_lines_reader, &c2_csv_reader};
enum { READERS = sizeof readers / sizeof readers[0] };

c2_status c2_input_start(c2_input *input, const char *path, char *text, size_t size, bool table,
                         const c2_dialect *dialect, c2_error *err) {
  *input = (c2_input){.path = path, .text = text, .size = size};
  if (dialect) input->dialect = *dialect;
  input->name = strcmp(path, "-") == 0 ? "standard input" : path;
  for (size_t i = 0; i < READERS && !input->reader; i++) {
    if (readers[i]->sniff(input)) input->reader = readers[i];
  }
  if (table && input->reader->read_series) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: expected a table, found %s", input->name, input->reader->name);
  }
  return input->reader->open ? input->reader->open(input, err) : C2_OK;
}

c2_status c2_input_start_arrow(c2_input *input, const char *name, char *bytes, size_t size, const c2_bounds *bounds,
                               c2_error *err) {
  *input = (c2_input){
      .path = name, .name = name, .text = bytes, .size = size, .reader = &c2_arrow_reader, .is_strange = true};
  input->bounds = *bounds;
  return input->reader->open(input, err);
}

c2_status c2_input_open(c2_input *input, const char *path, bool table, const c2_dialect *dialect, c2_error *err) {
  char *text = NULL;
  size_t size = 0;
  *input = (c2_input){.path = path, .name = path, .reader = &c2_duckdb_reader};
  if (dialect) input->dialect = *dialect;
  if (input->reader->sniff(input)) return input->reader->open(input, err);
  input->reader = NULL;
  C2_TRY(c2_is_compressed(path) ? c2_read_compressed(path, &text, &size, err) : c2_read_file(path, &text, &size, err));
  c2_status status = c2_input_start(input, path, text, size, table, dialect, err);
  input->loaded = text;
  return status;
}

bool c2_input_has_parts(const char *path) {
  char start[8];
  c2_input input = {.path = path, .text = start};
  struct stat info;
  if (c2_is_standard_input(path) || stat(path, &info) != 0) return false;
  if (c2_duckdb_reader.sniff(&input)) return true;
  if (!S_ISREG(info.st_mode) || c2_path_is_json(path) || c2_is_compressed(path)) return false;
  FILE *file = fopen(path, "rb");
  if (file) input.size = fread(start, 1, sizeof start, file);
  if (file) (void)fclose(file);
  return !c2_arrow_reader.sniff(&input);
}

c2_status c2_input_open_parts(c2_input *input, const char *path, const c2_dialect *dialect, c2_error *err) {
  c2_csv_window *window = NULL;
  *input = (c2_input){.path = path, .name = path, .reader = &c2_duckdb_reader};
  if (dialect) input->dialect = *dialect;
  if (input->reader->sniff(input)) return input->reader->open(input, err);
  input->reader = NULL;
  C2_TRY(c2_alloc_array(1, sizeof *window, &window, err));
  c2_status status = c2_csv_window_open(window, path, err);
  if (status == C2_OK) status = c2_input_start(input, path, window->text, window->whole, false, dialect, err);
  input->window = window;
  return status;
}

c2_status c2_input_open_sql(c2_input *input, const char *sql, const char *database, const c2_dialect *dialect,
                            c2_error *err) {
  *input = (c2_input){.path = "the query", .name = "the query", .reader = &c2_duckdb_reader};
  if (dialect) input->dialect = *dialect;
  return c2_duckdb_open_sql(input, sql, database, err);
}

c2_status c2_input_read(c2_input *input, c2_dataset *set, const c2_read_options *options, c2_error *err) {
  const c2_reader *reader = input->reader;
  if (reader->read_series && options->wide) {
    C2_FAIL(err, C2_ERR_FORMAT, "%s: expected a table, of which each column is a series, found %s", input->name,
            reader->name);
  }
  return reader->read_series ? reader->read_series(input, set, options, err)
                             : c2_assemble_long(input, set, options, err);
}

void c2_input_close(c2_input *input) {
  if (input->reader && input->reader->close) input->reader->close(input);
  c2_csv_close(&input->csv);
  if (input->window) c2_csv_window_close(input->window);
  free(input->window);
  free(input->odd);
  free(input->loaded);
  *input = (c2_input){.path = NULL};
}

c2_status c2_dataset_read(c2_dataset *set, const char *path, const c2_read_options *options, c2_error *err) {
  c2_input input;
  c2_status status = c2_input_open(&input, path, false, options->dialect, err);
  if (status == C2_OK) status = c2_input_read(&input, set, options, err);
  c2_input_close(&input);
  return status;
}

/* Moves the tables with ids behind the first of them; their number. */
static size_t gather_tables(c2_input **order, size_t count, const c2_read_options *options, size_t *first) {
  const char *id = c2_id_name(options->id_column);
  size_t found = 0;
  *first = count;
  for (size_t k = 0; k < count && !options->wide; k++) {
    c2_input *input = order[k];
    if (!c2_input_is_table(input) || !c2_header_has(input->header, id)) continue;
    if (found == 0) *first = k;
    size_t to = *first + found++;
    memmove(&order[to + 1], &order[to], (k - to) * sizeof *order);
    order[to] = input;
  }
  return found;
}

static c2_status read_opened(c2_dataset *set, c2_input **order, size_t count, const c2_read_options *options,
                             c2_error *err) {
  size_t first = 0;
  size_t tables = gather_tables(order, count, options, &first);
  for (size_t k = 0; k < count; k++) {
    if (tables > 1 && k == first) {
      C2_TRY(c2_joined_read(&order[k], tables, set, options, err));
      k += tables - 1;
    } else {
      C2_TRY(c2_input_read(order[k], set, options, err));
    }
  }
  return C2_OK;
}

c2_status c2_dataset_read_all(c2_dataset *set, const char *const *paths, size_t count, const c2_read_options *options,
                              c2_error *err) {
  c2_input *input = NULL; /* they stay where they are */
  c2_input **order = NULL;
  size_t opened = 0;
  c2_status status = C2_OK;
  if (count == 1) return c2_dataset_read(set, paths[0], options, err);
  C2_GOTO(c2_alloc_array(count, sizeof *input, &input, err));
  C2_GOTO(c2_alloc_array(count, sizeof *order, &order, err));
  while (opened < count) {
    order[opened] = &input[opened];
    opened++;
    C2_GOTO(c2_input_open(order[opened - 1], paths[opened - 1], false, options->dialect, err));
  }
  status = read_opened(set, order, count, options, err);
fail:
  for (size_t k = 0; k < opened; k++) c2_input_close(order[k]);
  free(order);
  free(input);
  return status;
}

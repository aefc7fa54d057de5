/* An incoming stream as a long table: its columns by what they are for, and its rows by item.
 *
 * Record batches are kept as they came, as long as an item that hasn't been taken refers to them. */
#ifndef C2_TABLE_SOURCE_H
#define C2_TABLE_SOURCE_H

#include "table/arrow.h"
#include "table/keys.h"
#include "time/calendar.h"

/* A category's code may be one of these instead. */
#define C2_CODE_UNSEEN (UINT32_MAX - 1) /* none of the past's */
#define C2_CODE_MISSING UINT32_MAX

/* One column of a record batch. */
typedef struct c2_chunk_cells {
  c2_view values;
  uint32_t *code; /* of categories: [rows]; else NULL */
} c2_chunk_cells;

typedef struct c2_chunk {
  struct ArrowArray array;
  size_t rows, users; /* runs that refer to it, and one more while it is read */
  size_t columns;
  c2_chunk_cells *cells; /* [columns] */
} c2_chunk;

/* Rows of an item that follow each other in a chunk. */
typedef struct c2_run {
  c2_chunk *chunk;
  size_t first, count;
} c2_run;

typedef struct c2_entry {
  size_t key;  /* of its id */
  c2_run *run; /* [runs] in the order in which they came */
  size_t runs, capacity, rows;
  size_t steps;   /* rows, and what is filled in between them */
  int64_t first, last; /* time stamps of the first and last step, as df has them */
  bool is_settled, is_unsorted;
  c2_freq freq; /* the item's own, where each has one */
  char *fault;  /* why it can't be forecast; NULL: nothing is known to be wrong */
} c2_entry;

/* A covariate's categories: those of df, then those of future_df. */
typedef struct c2_words {
  c2_keys keys;
  bool is_ranked; /* codes are ranks in the order of a dictionary, else of the bytes */
  bool is_fixed;  /* words that are new have no code */
  size_t *rank;   /* [keys.count] of fixed words */
} c2_words;

/* A column that is read. The first two are ids and time stamps. */
typedef struct c2_role {
  size_t place; /* among the table's columns */
  c2_words *words; /* of categories, which all sources share; else NULL */
} c2_role;

enum { C2_ROLE_ID, C2_ROLE_TIME, C2_ROLE_FIRST };

typedef struct c2_source {
  const char *name; /* for messages */
  struct c2_source *ahead; /* takes the rows that are true in `ahead_role`; NULL: there are none */
  size_t ahead_role;
  size_t last_key; /* of the row that was read last */
  bool is_part; /* the `ahead` of another, whose stream, fields and roles it has */
  struct ArrowArrayStream stream;
  c2_field *field; /* [fields] */
  size_t fields;
  c2_role *role; /* [roles] */
  size_t roles;
  bool gathers;   /* rows of an item may come apart */
  c2_keys *ids;   /* of all sources */
  size_t *number; /* of an id's item in the order of appearance, from 1 on; 0: it hasn't come: [number_room] */
  size_t number_room;
  c2_entry *entry; /* of items [taken, count) in order of appearance; those before have gone */
  size_t items, room, taken;
  size_t gone; /* of the first of them that have no rows any more */
  bool has_ended;
  int code; /* errno value that the producer returned, if it failed */
} c2_source;

/* Takes the stream over and reads its schema. Close it also after a failure. */
c2_status c2_source_open(c2_source *source, const char *name, struct ArrowArrayStream *stream, c2_error *err);
void c2_source_close(c2_source *source);

/* Index of a column; SIZE_MAX if there is none. An error if there are several of that name. */
c2_status c2_source_find(const c2_source *source, const char *name, size_t *index, c2_error *err);

/* Reads the next record batch, if there is one. */
c2_status c2_source_read(c2_source *source, c2_error *err);

/* Item `index`, counted from the first of all. Those before `taken` have gone. */
static inline c2_entry *c2_source_entry(const c2_source *source, size_t index) {
  return &source->entry[index - source->taken];
}

/* Whether a row of this id has come. */
static inline bool c2_source_has(const c2_source *source, size_t key) {
  return key < source->number_room && source->number[key] > 0;
}

/* Number of items that have come, the gone ones included. */
static inline size_t c2_source_count(const c2_source *source) {
  return source->taken + source->items;
}

/* The number of items all of whose rows are there. */
size_t c2_source_complete(const c2_source *source);

/* Lets the rows of an item go; those of the first items leave no trace but their number. */
void c2_source_drop(c2_source *source, size_t index);

/* Id of a key as text for messages, which escape what it holds: at most 80 bytes, cut behind a character. */
enum { C2_ID_ROOM = 81 };
void c2_source_id(const c2_source *source, size_t key, char out[C2_ID_ROOM]);

/* The integer of a key, where ids are integers. */
int64_t c2_key_integer(const char *bytes);

#endif

/* A strict RFC 4180 reader over a text in memory; another sign than a comma may part the fields. Fields come out as
 * zero-terminated strings inside that text, which is changed on the way. Lines may end in LF or CRLF, a byte order mark
 * is skipped. Empty lines are passed over, but above a row of a table of one column they are an error: they may be
 * missing values. Text is UTF-8 without NUL. */
#ifndef C2_DATA_CSV_H
#define C2_DATA_CSV_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include "base/infile.h"
#include "base/status.h"
#include "data/frame.h"

typedef struct c2_csv {
  const char *name; /* for messages; borrowed */
  char *at, *end;
  char delimiter;
  size_t next_line; /* line at which the next record begins */
  size_t line;      /* line at which the current record begins, from 1 */
  bool ends[256];   /* whether a byte ends a field without quotes, or must not stand in it */
  char **field;     /* of the current record: [fields], good until the next one */
  size_t fields, capacity;
  char **header; /* names of the columns: [columns] */
  size_t columns;
  c2_header names; /* the same, to be looked up */
} c2_csv;

/* The signs that may part fields, where one is named. */
#define C2_CSV_SIGNS ",;\t|:/~^!#&*@$%_= "

/* The number of rows at the beginning of a file that show its dialect. */
enum { C2_CSV_SAMPLE_ROWS = 65536 };

/* A part of a text file that is in memory. It consists of whole records. */
typedef struct c2_csv_window {
  c2_infile file;
  char *text;        /* [room], and a zero behind it */
  size_t room, size; /* size: bytes that were read */
  size_t whole;      /* bytes of whole records, behind which a zero stands */
  size_t offset;     /* of the file, where what wasn't read begins */
  char behind;       /* what the zero stands for */
} c2_csv_window;

/* Ends of lines in a text. */
size_t c2_csv_lines(const char *text, size_t size);

/* Opens a regular file, of which the first records are read: those that show its dialect, of at most 64 MB. Close it
 * also after a failure. */
c2_status c2_csv_window_open(c2_csv_window *window, const char *path, c2_error *err);

/* Reads the records after those of the window; *more is false at the end of the file. */
c2_status c2_csv_window_move(c2_csv_window *window, bool *more, c2_error *err);
void c2_csv_window_close(c2_csv_window *window);

/* Goes on with the records of a window that was moved. */
c2_status c2_csv_continue(c2_csv *csv, const c2_csv_window *window, c2_error *err);

/* Reads the header line; a name with control characters is refused. `delimiter` parts the fields; 0 stands for the
 * one that a line "sep=;" above the header names, else for that one of comma, semicolon, tab and vertical bar which the
 * header has, and the records as often. `text` must have a zero at text[size] and outlive the reader. Free with
 * c2_csv_close, also after a failure. */
c2_status c2_csv_open(c2_csv *csv, const char *name, char *text, size_t size, char delimiter, c2_error *err);
void c2_csv_close(c2_csv *csv);

/* Moves to the next record; *more is false at the end. Every record has as many fields as the header. */
c2_status c2_csv_next(c2_csv *csv, bool *more, c2_error *err);

/* Names a delimiter for messages, as "a semicolon", or "'^'" in `room`. */
enum { C2_DELIMITER_ROOM = 4 };
const char *c2_csv_delimiter_name(char delimiter, char room[C2_DELIMITER_ROOM]);

/* Writes one field, quoted where its text needs it. */
void c2_csv_write(FILE *out, const char *text);

#endif

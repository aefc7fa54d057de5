/* How a text file spells its cells: what stands between fields, the decimal sign, time stamps. What a user doesn't say
 * is found in the file, and nothing that can be read in two ways is guessed. */
#ifndef C2_DATA_DIALECT_H
#define C2_DATA_DIALECT_H

#include "data/stamp.h"

/* If it is zeroed, everything is to be found in the file. */
typedef struct c2_dialect {
  char delimiter;                  /* 0: a comma, semicolon, tab or vertical bar, by the header */
  char decimal;                    /* '.' or ','; 0: by the cells */
  char time_format[C2_STAMP_ROOM]; /* as strptime has it; "": ISO 8601 or whole numbers, or by the cells */
  char twin_format[C2_STAMP_ROOM]; /* on return: one that reads the cells so far alike, as 01.01.2020; or "" */
  bool is_beside_comma;            /* on return: a related file has a decimal comma */
  bool presumes_point;             /* on return: 1.234 was read with a decimal point, as nothing spoke against it */
  bool is_grouped;                 /* on return: digits stand in groups of three somewhere */
  bool has_zone_names;             /* on return: the name of a time zone stands behind an offset somewhere */
  bool is_instant;                 /* on return: time stamps come as instants, without the offsets of their makers */
  char zone_name[48];              /* on return: of those, where the file tells it; or "" */
  bool has_whole_ids;              /* on return: ids come as whole numbers, of 64 bits with a sign */
  bool has_time_texts;             /* on return: time stamps are texts, for which a format counts */
  bool takes_decimal, takes_format; /* on return: of the related file, as cells have either */
  bool decimals_differ, formats_differ; /* of several files: nothing holds for all of them */
} c2_dialect;

/* Numbers and time stamps from the beginning of a file, for what they say of its dialect. */
typedef struct c2_dialect_sample {
  const char *file;        /* for messages */
  const char *column;      /* its name */
  const char *const *cell; /* [count] */
  const size_t *line;      /* [count] */
  size_t count;
  bool are_numbers; /* all of them should be: one that is none doesn't make a column of texts */
} c2_dialect_sample;

/* Settles the decimal sign by columns of numbers: [count]. Where no cell needs it, it stays as it is. `expected` (or
 * NULL) is the dialect of a related file, whose sign is taken where cells may have either. */
c2_status c2_dialect_find_decimal(c2_dialect *dialect, const c2_dialect_sample *samples, size_t count,
                                  const c2_dialect *expected, c2_error *err);

/* Settles the format of time stamps by their column. The expected one is taken where it reads every cell. Of two that
 * read every cell alike either will do, as long as no further cell tells them apart. */
c2_status c2_dialect_find_time_format(c2_dialect *dialect, const c2_dialect_sample *sample, const c2_dialect *expected,
                                      c2_error *err);

/* Adds a file's dialect to that of several files, which keeps what all files that settle it agree on. */
void c2_dialect_agree(c2_dialect *all, const c2_dialect *one);

/* Whether a file of several has a decimal comma. */
bool c2_dialect_has_comma(const c2_dialect *all);

/* Reads a finite number, or NaN for a missing one. It returns false for anything else, and where a cell may mean one of
 * two numbers. */
bool c2_dialect_number(c2_dialect *dialect, const char *cell, double *out);

/* Reads a time stamp, or a whole number (*is_whole) of at most 15 digits. The name of a time zone may stand behind an
 * offset from UTC, as in 2024-01-31T05:00:00+01:00[Europe/Berlin]; the offset counts. */
bool c2_dialect_time(c2_dialect *dialect, const char *cell, c2_time *out, c2_zone *zone, bool *is_whole);

/* Whether a cell looks like a time stamp that is no whole number, in any format. */
bool c2_dialect_is_stamp(c2_dialect *dialect, const char *cell);

/* Fails where a cell that is no time stamp has two readings, or the name of a time zone in the place of an offset. */
c2_status c2_dialect_check_stamp(const c2_dialect *dialect, const char *file, size_t line, const char *column,
                                 const char *cell, c2_error *err);

#endif

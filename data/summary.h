/* A data set in a line: what was read, and how. */
#ifndef C2_DATA_SUMMARY_H
#define C2_DATA_SUMMARY_H

#include "data/dataset.h"

/* One line: items, rows, frequency, and what was filled in or left out. `kinds` frequencies, of which `commonest` is
 * the commonest; `set` tells of columns and spelling. */
enum { C2_SUMMARY_ROOM = 2200 };
void c2_dataset_summary(const c2_dataset *set, size_t items, size_t rows, size_t filled, size_t kinds,
                        const c2_freq *commonest, char line[C2_SUMMARY_ROOM]);

/* The same for a whole set. */
void c2_dataset_summarise(const c2_dataset *set, char line[C2_SUMMARY_ROOM]);

/* "read with a decimal comma, time stamps as %d.%m.%Y": what was found of how files spell their cells; or "". */
void c2_dataset_reading(const c2_dataset *set, char line[C2_SUMMARY_ROOM]);

/* "daily (D)", or "frequency 15min". */
void c2_freq_name(const c2_freq *freq, char *out, size_t room);

#endif

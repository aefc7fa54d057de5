/* What a file of Excel says of itself before DuckDB reads it. */
#ifndef C2_DATA_BOOK_H
#define C2_DATA_BOOK_H

#include <stddef.h>

#include "base/status.h"

/* Sets *sheets to the number of a workbook's sheets; SIZE_MAX where it can't be told: of an archive beyond 4 GB, of
 * sheets under other names. A file that is cut off is refused, since DuckDB hangs on some. */
c2_status c2_book_sheets(const char *path, size_t *sheets, c2_error *err);

#endif

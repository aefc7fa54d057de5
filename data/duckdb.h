/* DuckDB, a library that is loaded at run time where it is installed: what is needed of its C interface. */
#ifndef C2_DATA_DUCKDB_H
#define C2_DATA_DUCKDB_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* duckdb_result, whose fields are the library's own. */
typedef struct c2_duckdb_result {
  uint64_t unused[3];
  void *columns;
  char *message;
  void *data;
} c2_duckdb_result;

/* duckdb_type, as far as it is told apart here. */
enum {
  C2_DUCKDB_BOOLEAN = 1,
  C2_DUCKDB_TINYINT = 2,
  C2_DUCKDB_UBIGINT = 9,
  C2_DUCKDB_FLOAT = 10,
  C2_DUCKDB_DOUBLE = 11,
  C2_DUCKDB_TIMESTAMP = 12,
  C2_DUCKDB_DATE = 13,
  C2_DUCKDB_HUGEINT = 16,
  C2_DUCKDB_VARCHAR = 17,
  C2_DUCKDB_DECIMAL = 19,
  C2_DUCKDB_TIMESTAMP_S = 20,
  C2_DUCKDB_TIMESTAMP_NS = 22,
  C2_DUCKDB_ENUM = 23,
  C2_DUCKDB_LIST = 24,
  C2_DUCKDB_UUID = 27,
  C2_DUCKDB_TIMESTAMP_TZ = 31,
  C2_DUCKDB_UHUGEINT = 32
};

enum { C2_DUCKDB_SELECT = 1 }; /* duckdb_statement_type */

#define C2_DUCKDB_FUNCTIONS(F)                                                      \
  F(int, create_config, (void **config))                                            \
  F(int, set_config, (void *config, const char *name, const char *value))           \
  F(void, destroy_config, (void **config))                                          \
  F(int, open_ext, (const char *path, void **database, void *config, char **error)) \
  F(void, close, (void **database))                                                 \
  F(int, connect, (void *database, void **connection))                              \
  F(void, disconnect, (void **connection))                                          \
  F(void, free, (void *memory))                                                     \
  F(int, query, (void *connection, const char *sql, c2_duckdb_result *result))      \
  F(int, prepare, (void *connection, const char *sql, void **statement))            \
  F(const char *, prepare_error, (void *statement))                                 \
  F(int, prepared_statement_type, (void *statement))                                \
  F(int, execute_prepared_streaming, (void *statement, c2_duckdb_result *result))   \
  F(void, destroy_prepare, (void **statement))                                      \
  F(void, destroy_result, (c2_duckdb_result * result))                              \
  F(const char *, result_error, (c2_duckdb_result * result))                        \
  F(uint64_t, column_count, (c2_duckdb_result * result))                            \
  F(const char *, column_name, (c2_duckdb_result * result, uint64_t column))        \
  F(int, column_type, (c2_duckdb_result * result, uint64_t column))                 \
  F(void *, fetch_chunk, (c2_duckdb_result result))                                 \
  F(uint64_t, data_chunk_get_size, (void *chunk))                                   \
  F(void *, data_chunk_get_vector, (void *chunk, uint64_t column))                  \
  F(void, destroy_data_chunk, (void **chunk))                                       \
  F(void *, vector_get_data, (void *vector))                                        \
  F(uint64_t *, vector_get_validity, (void *vector))

typedef struct c2_duckdb {
#define C2_DUCKDB_FIELD(type, name, arguments) type(*name) arguments;
  C2_DUCKDB_FUNCTIONS(C2_DUCKDB_FIELD)
#undef C2_DUCKDB_FIELD
  void *database, *connection;
  char folder[1024]; /* of its temporary files; "": it has none */
  size_t kept;       /* of the folder, for c2_temporary_drop */
} c2_duckdb;

/* Fails where the library can't be loaded. */
c2_status c2_duckdb_check(c2_error *err);

/* Loads the library (CHRONOS2_DUCKDB, else lib/chronos2 beside the program's folder, ~/.local/share/chronos2, or where
 * the system looks) and opens a database: of a file, which is only read, or an empty one where path is NULL. Queries
 * may read local files; no extension is installed, so nothing is fetched from a network unless one that is there
 * already, as httpfs, does it. `bounded`: memory is limited to 200 MB, beyond which queries use files in the folder of
 * temporary files, and settings may be changed. Zeroed at first; close it also after a failure. */
c2_status c2_duckdb_open(c2_duckdb *duck, const char *path, bool bounded, c2_error *err);
void c2_duckdb_close(c2_duckdb *duck);

/* Runs a query and forgets its result. `name` begins the message of a failure. */
c2_status c2_duckdb_run(const c2_duckdb *duck, const char *name, const char *sql, c2_error *err);

/* Fails with the library's message, as one line. */
c2_status c2_duckdb_fail(const char *name, const char *message, c2_error *err);

#endif

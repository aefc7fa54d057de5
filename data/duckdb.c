/* Finds DuckDB's library and opens databases. */
#include "data/duckdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/platform.h"
#include "base/temporary.h"

#if defined(__unix__) || defined(__APPLE__)
#include <dlfcn.h>

#define LIBRARY "libduckdb.so"

/* "folder/name", where the folder is known and the file there. */
static bool is_there(char *out, size_t room, const char *folder, const char *name) {
  if (!folder || !*folder) return false;
  int n = snprintf(out, room, "%s/%s", folder, name);
  return n > 0 && (size_t)n < room && c2_file_exists(out);
}

static void find_library(char *path, size_t room) {
  char program[4096];
  const char *asked = getenv("CHRONOS2_DUCKDB");
  char *slash = c2_executable_path(program, sizeof program) ? strrchr(program, '/') : NULL;
  if (slash) *slash = '\0';
  if (asked && *asked) {
    (void)snprintf(path, room, "%s", asked);
    return;
  }
  if (is_there(path, room, slash ? program : NULL, "../lib/chronos2/" LIBRARY)) return;
  if (is_there(path, room, getenv("XDG_DATA_HOME"), "chronos2/" LIBRARY)) return;
  if (is_there(path, room, getenv("HOME"), ".local/share/chronos2/" LIBRARY)) return;
  (void)snprintf(path, room, LIBRARY);
}

static c2_status load(c2_duckdb *duck, c2_error *err) {
  char path[8192];
  find_library(path, sizeof path);
  void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL); /* never unloaded: its threads may outlive a query */
  if (!library) {
    C2_FAIL(err, C2_ERR_UNSUPPORTED,
            "this needs DuckDB, and its library is not there (%s): 'scripts/setup.sh duckdb' brings it, or set "
            "CHRONOS2_DUCKDB to the path of libduckdb.so",
            path);
  }
#define SYMBOL(type, name, arguments)                                                                           \
  {                                                                                                             \
    void *symbol = dlsym(library, "duckdb_" #name);                                                             \
    if (!symbol) C2_FAIL(err, C2_ERR_UNSUPPORTED, "%s: it has no duckdb_" #name ": expected DuckDB 1.x", path); \
    memcpy(&duck->name, &symbol, sizeof symbol);                                                                \
  }
  C2_DUCKDB_FUNCTIONS(SYMBOL)
#undef SYMBOL
  return C2_OK;
}
#else
static c2_status load(c2_duckdb *duck, c2_error *err) {
  (void)duck;
  C2_FAIL(err, C2_ERR_UNSUPPORTED, "this needs DuckDB, which is not loaded on this system");
}
#endif

c2_status c2_duckdb_check(c2_error *err) {
  c2_duckdb duck;
  return load(&duck, err);
}

c2_status c2_duckdb_fail(const char *name, const char *message, c2_error *err) {
  char line[600];
  size_t n = 0;
  for (const char *c = message ? message : "unknown error"; *c && n + 1 < sizeof line; c++) {
    if (*c == '\n' && (c[1] == '\n' || strncmp(c, "\nLINE ", 6) == 0)) break;
    line[n++] = *c == '\n' ? ' ' : *c;
  }
  line[n] = '\0';
  bool is_memory = strncmp(line, "Out of Memory Error", 19) == 0;
  C2_FAIL(err, C2_ERR_FORMAT, "%s: DuckDB: %s%s", name, line,
          is_memory ? "; files are read within 200 MB and 0.1 MB for each column, queries in SQL within DuckDB's own "
                      "limit"
                    : "");
}

c2_status c2_duckdb_run(const c2_duckdb *duck, const char *name, const char *sql, c2_error *err) {
  c2_duckdb_result result = {.data = NULL};
  c2_status status = C2_OK;
  if (duck->query(duck->connection, sql, &result) != 0) {
    status = c2_duckdb_fail(name, duck->result_error(&result), err);
  }
  duck->destroy_result(&result);
  return status;
}

static c2_status configure(c2_duckdb *duck, void *config, const char *path, bool bounded, c2_error *err) {
  (void)c2_temporary_make_folder(duck->folder, sizeof duck->folder, &duck->kept); /* few queries need one */
  const char *settings[][2] = {{"autoinstall_known_extensions", "false"},         {"temp_directory", duck->folder},
                               {"access_mode", path ? "READ_ONLY" : "AUTOMATIC"}, {"threads", bounded ? "1" : NULL},
                               {"memory_limit", bounded ? "200MB" : NULL},
                               {"lock_configuration", bounded ? "false" : "true"}};
  for (size_t i = 0; i < sizeof settings / sizeof settings[0]; i++) {
    if (!settings[i][1]) continue;
    if (duck->set_config(config, settings[i][0], settings[i][1]) != 0) {
      C2_FAIL(err, C2_ERR_UNSUPPORTED, "DuckDB: it has no setting '%s': expected DuckDB 1.x", settings[i][0]);
    }
  }
  return C2_OK;
}

c2_status c2_duckdb_open(c2_duckdb *duck, const char *path, bool bounded, c2_error *err) {
  void *config = NULL;
  char *message = NULL;
  C2_TRY(load(duck, err));
  c2_status status = C2_OK;
  if (duck->create_config(&config) != 0) C2_FAIL(err, C2_ERR_MEMORY, "DuckDB: cannot be configured");
  C2_GOTO(configure(duck, config, path, bounded, err));
  if (duck->open_ext(path, &duck->database, config, &message) != 0) {
    C2_GOTO(c2_duckdb_fail(path ? path : "a database in memory", message, err));
  }
  if (duck->connect(duck->database, &duck->connection) != 0) {
    status = c2_fail(err, C2_ERR_MEMORY, "DuckDB: cannot connect");
  }
fail:
  if (message) duck->free(message);
  duck->destroy_config(&config);
  return status;
}

void c2_duckdb_close(c2_duckdb *duck) {
  if (duck->connection) duck->disconnect(&duck->connection);
  if (duck->database) duck->close(&duck->database);
  if (duck->folder[0]) (void)rmdir(duck->folder);
  c2_temporary_drop(duck->kept);
  memset(duck, 0, sizeof *duck);
}

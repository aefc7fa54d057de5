/* Schemas of Parquet files: rows of a tree, each with the number of its children behind it. */
#include "data/duckdb_schema.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "data/duckdb_query.h"
#include "data/ipc.h"

enum { MOST_DIGITS = 38, TYPE_ROOM = 64 }; /* of decimals: DuckDB 1.5 reads longer ones as wrong numbers */

/* A row of a schema. */
typedef struct node {
  char file[4096], name[C2_DUCKDB_NAME_ROOM];
  char type[TYPE_ROOM]; /* DuckDB's name of it, "" where the node has children */
  int64_t children, digits;
} node;

typedef struct column {
  const char *name;
  c2_want_type want;
  int joint;                   /* DuckDB's type of it in the table */
  char type[TYPE_ROOM];        /* in the first file that has values of it; "" before */
  const char *file;            /* that file */
  const char *holder, *lacker; /* a file that has it, and one that doesn't; NULL */
  bool is_here, has_leaf;      /* in the file that is read */
} column;

/* ---- Types ----------------------------------------------------------------------------------- */

static bool is_one_of(const char *type, const char *const *names) {
  while (*names && strcmp(*names, type) != 0) names++;
  return *names != NULL;
}

static bool is_whole(const char *type) {
  static const char *const names[] = {"TINYINT",  "SMALLINT",  "INTEGER",  "BIGINT",  "HUGEINT",
                                      "UTINYINT", "USMALLINT", "UINTEGER", "UBIGINT", NULL};
  return is_one_of(type, names);
}

static bool is_number(const char *type) {
  static const char *const names[] = {"FLOAT", "DOUBLE", NULL};
  return is_whole(type) || is_one_of(type, names) || strncmp(type, "DECIMAL", 7) == 0;
}

static bool is_naive(const char *type) {
  static const char *const names[] = {"DATE", "TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS", NULL};
  return is_one_of(type, names);
}

/* Whether a column of both types is read as each of them by itself. DuckDB's union of float32 with whole numbers or
 * decimals is float32, which rounds them. */
static bool agree(const column *c, const char *type) {
  if (strcmp(c->type, type) == 0 || (is_whole(c->type) && is_whole(type))) return true;
  if (c->want == C2_WANT_TIME) return is_naive(c->type) && is_naive(type);
  bool numbers = (c->want == C2_WANT_NUMBER || c->want == C2_WANT_ANY) && is_number(c->type) && is_number(type);
  return numbers && c->joint != C2_DUCKDB_FLOAT;
}

/* ---- Files ----------------------------------------------------------------------------------- */

static c2_status look_at_leaf(c2_input *input, column *c, const node *leaf, c2_error *err) {
  if (leaf->digits > MOST_DIGITS) {
    C2_FAIL(err, C2_ERR_UNSUPPORTED,
            "%s: column '%.60s' holds decimals of %lld digits, which DuckDB reads as other numbers: expected at most "
            "%d; cast it to DOUBLE or DECIMAL(%d, s)",
            leaf->file, c->name, (long long)leaf->digits, MOST_DIGITS, MOST_DIGITS);
  }
  bool is_first = !c->has_leaf; /* others are of a struct, whose kind is looked at elsewhere */
  c->has_leaf = true;
  if (!is_first || strcmp(leaf->type, "\"NULL\"") == 0) return C2_OK; /* nothing but missing values */
  if (!c->type[0]) {
    memcpy(c->type, leaf->type, sizeof c->type);
    return c2_pool_text(&input->query->pool, leaf->file, &c->file, err);
  }
  if (agree(c, leaf->type)) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT, "%s: column '%.60s' holds %s, but %s in %s: expected one type in all files", leaf->file,
          c->name, leaf->type, c->type, c->file);
}

/* The folder of a path that gives the column's value, as item_id=a/, or NULL. DuckDB tells no case apart. */
static const char *find_key(const c2_input *input, const char *file, const char *name) {
  size_t size = strlen(name);
  const char *next = NULL;
  for (; input->query->has_keys && (next = strchr(file, '/')) != NULL; file = next + 1) {
    if (c2_is_key(file, SIZE_MAX) && strncasecmp(file, name, size) == 0 && file[size] == '=') return file;
  }
  return NULL;
}

/* Behind the last row of a file. */
static c2_status end_file(c2_input *input, column *columns, size_t count, const char *file, c2_error *err) {
  for (size_t k = 0; k < count; k++) {
    column *c = &columns[k];
    if (find_key(input, file, c->name)) continue;
    const char **to = c->is_here ? &c->holder : &c->lacker;
    if (!*to) C2_TRY(c2_pool_text(&input->query->pool, file, to, err));
    c->is_here = c->has_leaf = false;
    if (!c->holder || !c->lacker) continue;
    C2_FAIL(err, C2_ERR_FORMAT, "%s: expected a column '%.60s', as in %s", c->lacker, c->name, c->holder);
  }
  return C2_OK;
}

/* Where the rows are. */
typedef struct walk {
  column *columns; /* [count] */
  size_t count;
  int64_t columns_left, nodes_left; /* of the file, of its column */
  column *at;                       /* NULL: the column isn't wanted */
  c2_lookup names;                  /* of the file's columns, in lower case */
  c2_pool pool;
  size_t files;
} walk;

static void forget_names(walk *w) {
  c2_lookup_free(&w->names);
  c2_pool_free(&w->pool);
}

c2_status c2_duckdb_take_name(c2_lookup *names, c2_pool *pool, const char *file, const char *name, c2_error *err) {
  char lower[C2_DUCKDB_NAME_ROOM];
  size_t at = 0;
  size_t size = strlen(name);
  size_t before = names->count;
  if (size + 1 >= sizeof lower) return C2_OK; /* it may be longer */
  for (size_t i = 0; i <= size; i++) {
    bool is_upper = name[i] >= 'A' && name[i] <= 'Z'; /* DuckDB knows no others */
    lower[i] = (char)(is_upper ? name[i] + ('a' - 'A') : name[i]);
  }
  C2_TRY(c2_lookup_keep(names, pool, lower, &at, err));
  if (names->count > before) return C2_OK;
  C2_FAIL(err, C2_ERR_FORMAT,
          "%s: column '%.60s' comes twice, where upper and lower case are one, as in DuckDB: expected other names",
          file, name);
}

static c2_status take_node(walk *w, c2_input *input, const node *n, c2_error *err) {
  if (w->columns_left == 0 && w->nodes_left == 0) { /* the root */
    w->columns_left = n->children;
    return C2_OK;
  }
  if (w->nodes_left == 0) {
    w->columns_left--;
    w->nodes_left = 1;
    w->at = NULL;
    C2_TRY(c2_duckdb_take_name(&w->names, &w->pool, n->file, n->name, err));
    for (size_t k = 0; k < w->count; k++) {
      if (strcasecmp(w->columns[k].name, n->name) == 0) w->at = &w->columns[k];
    }
    const char *key = w->at ? find_key(input, n->file, n->name) : NULL;
    if (key) {
      C2_FAIL(err, C2_ERR_FORMAT,
              "%s: column '%.60s' is in the file, and the folder '%.*s' gives it too: expected one of them", n->file,
              n->name, (int)c2_min_size(strcspn(key, "/"), 80), key);
    }
    if (w->at) w->at->is_here = true;
  }
  w->nodes_left += n->children - 1;
  if (w->at && n->children == 0) C2_TRY(look_at_leaf(input, w->at, n, err));
  if (w->columns_left > 0 || w->nodes_left > 0) return C2_OK;
  forget_names(w);
  w->files++;
  return end_file(input, w->columns, w->count, n->file, err);
}

/* ---- Schemas --------------------------------------------------------------------------------- */

static int64_t number_at(const struct c2_query *s, size_t index, size_t row) {
  return ((const int64_t *)s->duck.vector_get_data(s->duck.data_chunk_get_vector(s->chunk, index)))[row];
}

static c2_status take_schemas(struct c2_query *s, walk *w, c2_input *input, c2_error *err) {
  for (;;) {
    C2_TRY(c2_query_fetch(s, input->name, err));
    if (!s->chunk) return C2_OK;
    for (size_t i = 0; i < s->rows; i++) {
      node n;
      c2_query_copy_text(s, 0, i, n.file, sizeof n.file);
      c2_query_copy_text(s, 1, i, n.name, sizeof n.name);
      c2_query_copy_text(s, 2, i, n.type, sizeof n.type);
      n.children = number_at(s, 3, i);
      n.digits = number_at(s, 4, i);
      C2_TRY(take_node(w, input, &n, err));
    }
  }
}

/* ---- What Arrow wrote ------------------------------------------------------------------------- */

/* What is looked for: the zone of time stamps. */
typedef struct arrow_names {
  const struct c2_query *query;
  const c2_want *want; /* [wants] */
  size_t wants;
  char zone[sizeof((c2_dialect *)0)->zone_name]; /* of the files so far; "": there is none, or several */
  size_t zoned;                                  /* files that have it */
} arrow_names;

/* The zone of a column, whose format is as "tsu:Europe/Berlin". */
static void take_zone(arrow_names *a, const char *format) {
  const char *colon = strncmp(format, "ts", 2) == 0 ? strchr(format, ':') : NULL;
  const char *zone = colon ? colon + 1 : "";
  if (a->zoned == 0) (void)snprintf(a->zone, sizeof a->zone, "%s", zone);
  if (*zone && strcmp(a->zone, zone) == 0) a->zoned++;
}

static c2_status look_at_fields(arrow_names *a, const char *file, const struct ArrowSchema *schema, c2_error *err) {
  const c2_want *stamp = NULL; /* the zone of one column counts */
  for (size_t k = 0; k < a->wants && !stamp; k++) stamp = a->want[k].type == C2_WANT_TIME ? &a->want[k] : NULL;
  for (int64_t i = 0; i < schema->n_children; i++) {
    const struct ArrowSchema *field = schema->children[i];
    for (size_t k = 0; k < a->wants; k++) {
      const char *name = a->query->name[a->want[k].column];
      if (!field->name || strcasecmp(field->name, name) != 0) continue;
      if (&a->want[k] == stamp) take_zone(a, field->format);
      if (strncmp(field->format, "tD", 2) != 0) continue;
      C2_FAIL(err, C2_ERR_FORMAT,
              "%s: column '%.60s' holds durations, which DuckDB reads as whole numbers: expected numbers, such as days",
              file, name);
    }
  }
  return C2_OK;
}

/* A message of Arrow in aligned memory, whose length is rounded up to whole words, as its format asks for and polars
 * doesn't do. The caller frees it. */
static c2_status copy_message(const char *bytes, size_t size, char **copy, size_t *room, c2_error *err) {
  enum { WORD = 8 }; /* a mark and the length come before the message */
  uint32_t length = 0;
  *room = size;
  if (size >= WORD) memcpy(&length, bytes + WORD - sizeof length, sizeof length);
  bool is_short = size > WORD && length == size - WORD;
  if (is_short) *room = c2_round_up(size, WORD);
  C2_TRY(c2_alloc_array(*room, 1, copy, err));
  memcpy(*copy, bytes, size);
  if (is_short) length = (uint32_t)(*room - WORD);
  if (is_short) memcpy(*copy + WORD - sizeof length, &length, sizeof length);
  return C2_OK;
}

/* A schema that can't be read, as one of nested columns, says nothing. */
static c2_status look_at_schema(arrow_names *a, const char *file, const char *bytes, size_t size, c2_error *err) {
  const c2_ipc_options options = {.is_bounded = true};
  struct ArrowArrayStream stream = {.release = NULL};
  struct ArrowSchema schema = {.release = NULL};
  c2_error why;
  char *copy = NULL;
  size_t room = 0;
  C2_TRY(copy_message(bytes, size, &copy, &room, err));
  c2_status status = c2_ipc_open(&stream, copy, room, &options, &why);
  int code = status == C2_OK ? stream.get_schema(&stream, &schema) : 0;
  if (status == C2_ERR_MEMORY || code == ENOMEM) {
    status = c2_fail(err, C2_ERR_MEMORY, "%s: cannot allocate its schema", file);
  } else {
    status = schema.release ? look_at_fields(a, file, &schema, err) : C2_OK;
  }
  if (schema.release) schema.release(&schema);
  if (stream.release) stream.release(&stream);
  free(copy);
  return status;
}

/* Parquet has no durations and no names of zones: Arrow writes whole numbers and instants, and its own schema beside
 * them, in base64. A zone is taken that all the files name. */
static c2_status check_arrow_schemas(c2_input *input, const c2_want *want, size_t wants, size_t files, c2_error *err) {
  const struct c2_query *q = input->query;
  arrow_names a = {.query = q, .want = want, .wants = wants};
  struct c2_query s = {.duck = q->duck};
  c2_status status = C2_OK;
  char *sql = NULL;
  size_t size = 0;
  FILE *out = open_memstream(&sql, &size);
  if (!out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
  (void)fprintf(out,
                "SELECT file_name, CASE WHEN regexp_full_match(CAST(value AS VARCHAR), '([A-Za-z0-9+/]{4})*"
                "([A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?') THEN from_base64(CAST(value AS VARCHAR)) END "
                "FROM parquet_kv_metadata(%s) WHERE key = CAST('ARROW:schema' AS BLOB)",
                q->files);
  C2_GOTO(c2_sql_finish(out, &sql, err));
  C2_GOTO(c2_query_start(&s, input->name, sql, err));
  for (;;) {
    C2_GOTO(c2_query_fetch(&s, input->name, err));
    if (!s.chunk) break;
    void *vector = s.duck.data_chunk_get_vector(s.chunk, 1);
    for (size_t i = 0; i < s.rows; i++) {
      char file[4096];
      if (!c2_chunk_has(s.duck.vector_get_validity(vector), i)) continue;
      const char *bytes = c2_chunk_text(s.duck.vector_get_data(vector), i, &size);
      c2_query_copy_text(&s, 0, i, file, sizeof file);
      C2_GOTO(look_at_schema(&a, file, bytes, size, err));
    }
  }
  if (a.zoned == files) memcpy(input->dialect.zone_name, a.zone, sizeof a.zone);
fail:
  c2_query_stop(&s);
  free(sql);
  return status;
}

/* ---- All ------------------------------------------------------------------------------------- */

c2_status c2_duckdb_check_files(c2_input *input, const c2_want *want, size_t wants, bool *is_key, c2_error *err) {
  struct c2_query *q = input->query;
  struct c2_query s = {.duck = q->duck};
  walk w = {.count = wants};
  char *sql = NULL;
  size_t size = 0;
  c2_status status = C2_OK;
  if (strncmp(q->from, "read_parquet(", 13) != 0) return C2_OK;
  FILE *out = open_memstream(&sql, &size);
  if (!out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a query");
  (void)fprintf(out,
                "SELECT file_name, name, coalesce(%s, ''), CAST(coalesce(num_children, 0) AS BIGINT), "
                "CAST(coalesce(precision, 0) AS BIGINT) FROM parquet_schema(%s)",
                q->are_several ? "duckdb_type" : "NULL", q->files);
  C2_GOTO(c2_sql_finish(out, &sql, err));
  C2_GOTO(c2_alloc_array(wants, sizeof *w.columns, &w.columns, err));
  for (size_t k = 0; k < wants; k++) {
    w.columns[k] = (column){.name = q->name[want[k].column], .want = want[k].type, .joint = q->type[k]};
  }
  C2_GOTO(c2_query_start(&s, input->name, sql, err));
  C2_GOTO(take_schemas(&s, &w, input, err));
  for (size_t k = 0; k < wants; k++) is_key[k] = !w.columns[k].holder && !w.columns[k].lacker;
  if (wants > 0) status = check_arrow_schemas(input, want, wants, w.files, err);
fail:
  forget_names(&w);
  c2_query_stop(&s);
  free(w.columns);
  free(sql);
  return status;
}

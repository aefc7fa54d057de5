/* The JSON reader. The zero behind the text stops every loop: no token holds one. Knows no file's meaning. */
#include "base/json.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/infile.h"
#include "base/platform.h"
#include "base/text.h"

enum { SMALL_OBJECT = 8 }; /* members that are compared one by one */

static const uint32_t NONE = UINT32_MAX;

typedef struct parser {
  c2_json_document *doc;
  char *at;
  const char *end;
  const char *line_begin;
  size_t line;
  size_t extra;  /* bytes of the line beyond its characters */
  uint32_t open; /* the innermost container that is not closed yet; its span holds the one around it */
  size_t depth;
  c2_error *err;
} parser;

/* ---- Messages -------------------------------------------------------------------------------- */

static c2_status fail_at(const parser *p, const char *expected) {
  char found[40];
  unsigned char c = (unsigned char)*p->at;
  if (p->at == p->end) {
    (void)snprintf(found, sizeof found, "the end");
  } else if (c > 0x20 && c < 0x7f) {
    (void)snprintf(found, sizeof found, "'%c'", c);
  } else {
    (void)snprintf(found, sizeof found, "byte 0x%02x", c);
  }
  size_t column = (size_t)(p->at - p->line_begin) + 1 - p->extra;
  return c2_fail(p->err, p->doc->failure, "%s:%zu:%zu: expected %s, found %s", p->doc->path,
                 p->doc->lines_before + p->line, column, expected, found);
}

/* "inputs[3].target[17]": the keys and indices that lead from the root to a value, or to a member by its key. */
static void find_place(const c2_json_document *doc, const c2_json *at, char *out, size_t room) {
  const c2_json *value = doc->node;
  size_t used = 0;
  out[0] = '\0';
  while (value != at && used + 16 < room) {
    const c2_json *inside = NULL;
    size_t index = 0;
    C2_JSON_EACH (item, value) {
      if (at < item + item->span) {
        inside = item;
        break;
      }
      index++;
    }
    if (!inside) return;
    bool is_key = inside->type == C2_JSON_KEY;
    size_t left = room - used;
    int size = is_key ? snprintf(out + used, left, "%s%.60s", used ? "." : "", inside->text)
                      : snprintf(out + used, left, "[%zu]", index);
    used += size > 0 ? c2_min_size((size_t)size, left - 1) : 0;
    if (inside == at) return;
    value = is_key ? inside + 1 : inside;
  }
}

c2_status c2_json_fail(const c2_json_document *doc, const c2_json *at, c2_error *err, const char *format, ...) {
  char text[sizeof err->text];
  va_list args;
  va_start(args, format);
  (void)vsnprintf(text, sizeof text, format, args);
  va_end(args);
  if (!at) return c2_fail(err, doc->failure, "%s: %s", doc->path, text);
  if (doc->where && doc->is_whole) {
    find_place(doc, at, doc->where, C2_JSON_WHERE_ROOM);
    return c2_fail(err, doc->failure, "%s: %s", doc->where[0] ? doc->where : doc->path, text);
  }
  return c2_fail(err, doc->failure, "%s:%zu:%zu: %s", doc->path, doc->lines_before + at->line, (size_t)at->column,
                 text);
}

/* ---- Tokens ---------------------------------------------------------------------------------- */

static void skip_space(parser *p) {
  for (;; p->at++) {
    if (*p->at == '\n') {
      p->line++;
      p->line_begin = p->at + 1;
      p->extra = 0;
    } else if (*p->at != ' ' && *p->at != '\t' && *p->at != '\r') {
      return;
    }
  }
}

static c2_status push(parser *p, c2_json_type type) {
  c2_json_document *doc = p->doc;
  if (doc->count == doc->capacity) {
    C2_TRY(c2_grow_array(&doc->node, &doc->capacity, doc->count + 1, sizeof *doc->node, p->err));
  }
  doc->node[doc->count++] = (c2_json){.span = 1,
                                      .line = (uint32_t)p->line,
                                      .column = (uint32_t)((size_t)(p->at - p->line_begin) + 1 - p->extra),
                                      .type = type};
  return C2_OK;
}

static c2_status read_digits(parser *p) {
  if (!c2_is_digit(*p->at)) return fail_at(p, "a digit");
  while (c2_is_digit(*p->at)) p->at++;
  return C2_OK;
}

static c2_status read_number(parser *p) {
  const char *begin = p->at;
  C2_TRY(push(p, C2_JSON_NUMBER));
  if (*p->at == '-') p->at++;
  if (*p->at == 'I') return fail_at(p, "a finite number");
  if (*p->at == '0' && c2_is_digit(p->at[1])) return fail_at(p, "a number without leading zeros");
  C2_TRY(read_digits(p));
  if (*p->at == '.') {
    p->at++;
    C2_TRY(read_digits(p));
  }
  if (*p->at == 'e' || *p->at == 'E') {
    p->at++;
    if (*p->at == '+' || *p->at == '-') p->at++;
    C2_TRY(read_digits(p));
  }
  c2_json *node = &p->doc->node[p->doc->count - 1];
  if (*p->at == 'x' || *p->at == 'X') return fail_at(p, "a decimal number"); /* strtod takes others */
  node->text = begin;
  node->size = (uint32_t)(p->at - begin);
  node->number = c2_strtod(begin);
  if (!isfinite(node->number)) {
    return c2_json_fail(p->doc, node, p->err, "expected a number within a double's range");
  }
  return C2_OK;
}

static c2_status read_hex(parser *p, uint32_t *out) {
  *out = 0;
  for (int i = 0; i < 4; i++, p->at++) {
    char c = *p->at;
    uint32_t digit = c2_is_digit(c) ? (uint32_t)(c - '0') : (uint32_t)((c | 0x20) - 'a') + 10;
    if (!c2_is_digit(c) && ((c | 0x20) < 'a' || (c | 0x20) > 'f')) return fail_at(p, "a hexadecimal digit");
    *out = *out << 4 | digit;
  }
  return C2_OK;
}

/* \uXXXX, twice for a character beyond U+FFFF; UTF-8 is never longer than that. */
static c2_status read_unicode(parser *p, char **to) {
  uint32_t code = 0;
  uint32_t low = 0;
  C2_TRY(read_hex(p, &code));
  if (code >= 0xd800 && code < 0xe000) {
    if (code >= 0xdc00 || p->at[0] != '\\' || p->at[1] != 'u') return fail_at(p, "a pair of surrogates");
    p->at += 2;
    C2_TRY(read_hex(p, &low));
    if (low < 0xdc00 || low >= 0xe000) return fail_at(p, "a pair of surrogates");
    code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
  }
  if (code == 0) return fail_at(p, "a text without \\u0000");
  unsigned char *out = (unsigned char *)*to;
  size_t length = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  for (size_t i = length - 1; i > 0; i--, code >>= 6) out[i] = (unsigned char)(0x80 | (code & 0x3f));
  static const unsigned char first[] = {0, 0, 0xc0, 0xe0, 0xf0};
  out[0] = (unsigned char)(first[length] | code);
  *to += length;
  return C2_OK;
}

static c2_status read_escape(parser *p, char **to) {
  static const char letter[] = "\"\\/bfnrt";
  static const char meaning[] = "\"\\/\b\f\n\r\t";
  p->at++;
  if (*p->at == 'u') {
    p->at++;
    return read_unicode(p, to);
  }
  const char *known = *p->at ? strchr(letter, *p->at) : NULL;
  if (!known) return fail_at(p, "an escape such as \\n or \\u00e9");
  *(*to)++ = meaning[known - letter];
  p->at++;
  return C2_OK;
}

/* Moves over characters that stand for themselves. */
static c2_status skip_plain(parser *p) {
  for (;;) {
    unsigned char c = (unsigned char)*p->at;
    if (c < 0x20 || c == '"' || c == '\\') return C2_OK;
    size_t length = c < 0x80 ? 1 : c2_utf8_decode(p->at, (size_t)(p->end - p->at), NULL);
    if (length == 0) return fail_at(p, "UTF-8");
    p->extra += length - 1;
    p->at += length;
  }
}

static c2_status read_string(parser *p, c2_json_type type) {
  C2_TRY(push(p, type));
  const char *text = ++p->at;
  char *to = p->at;
  for (;;) {
    const char *from = p->at;
    C2_TRY(skip_plain(p));
    size_t size = (size_t)(p->at - from);
    if (to != from) memmove(to, from, size);
    to += size;
    if (*p->at == '"') break;
    if (*p->at != '\\') return fail_at(p, "'\"' at the end of the string");
    C2_TRY(read_escape(p, &to));
  }
  *to = '\0';
  p->at++;
  c2_json *node = &p->doc->node[p->doc->count - 1];
  node->text = text;
  node->size = (uint32_t)(to - text);
  return C2_OK;
}

static c2_status read_word(parser *p, const char *word, c2_json_type type) {
  C2_TRY(push(p, type));
  for (; *word; word++, p->at++) {
    if (*p->at != *word) return fail_at(p, "a value");
  }
  return C2_OK;
}

/* ---- Structure ------------------------------------------------------------------------------- */

static c2_status read_key(parser *p) {
  skip_space(p);
  if (*p->at != '"') return fail_at(p, "a key in '\"'");
  C2_TRY(read_string(p, C2_JSON_KEY));
  skip_space(p);
  if (*p->at != ':') return fail_at(p, "':'");
  p->at++;
  return C2_OK;
}

static c2_status duplicate(const parser *p, const c2_json *key) {
  return c2_json_fail(p->doc, key, p->err, "duplicate key '%.80s'", key->text);
}

/* Large objects wait until all nodes are in place. */
static c2_status check_small(parser *p, const c2_json *object) {
  if (object->size > SMALL_OBJECT) {
    p->doc->key_count += object->size;
    return C2_OK;
  }
  C2_JSON_EACH (key, object) {
    for (const c2_json *before = object + 1; before != key; before += before->span) {
      if (strcmp(before->text, key->text) == 0) return duplicate(p, key);
    }
  }
  return C2_OK;
}

static c2_status open_container(parser *p, c2_json_type type) {
  _Static_assert(C2_JSON_DEPTH == 128, "the message says so");
  uint32_t outer = p->open;
  if (p->depth == C2_JSON_DEPTH) return fail_at(p, "at most 128 levels of nesting");
  C2_TRY(push(p, type));
  p->open = (uint32_t)(p->doc->count - 1);
  p->doc->node[p->open].span = outer;
  p->depth++;
  p->at++;
  return C2_OK;
}

static c2_status close_container(parser *p) {
  c2_json *node = &p->doc->node[p->open];
  uint32_t outer = node->span;
  node->span = (uint32_t)p->doc->count - p->open;
  p->open = outer;
  p->depth--;
  p->at++;
  return node->type == C2_JSON_OBJECT ? check_small(p, node) : C2_OK;
}

/* A scalar, or a container up to its first value; *open tells which. */
static c2_status begin_value(parser *p, bool *opened) {
  *opened = false;
  skip_space(p);
  switch (*p->at) {
    case '"': return read_string(p, C2_JSON_STRING);
    case 't': return read_word(p, "true", C2_JSON_TRUE);
    case 'f': return read_word(p, "false", C2_JSON_FALSE);
    case 'n': return read_word(p, "null", C2_JSON_NULL);
    case 'N': return p->doc->allow_nan ? read_word(p, "NaN", C2_JSON_NAN) : fail_at(p, "a value");
    case 'I': return fail_at(p, "a finite number");
    case '[':
    case '{': break;
    default: return *p->at == '-' || c2_is_digit(*p->at) ? read_number(p) : fail_at(p, "a value");
  }
  bool object = *p->at == '{';
  C2_TRY(open_container(p, object ? C2_JSON_OBJECT : C2_JSON_ARRAY));
  skip_space(p);
  if (*p->at == (object ? '}' : ']')) return close_container(p);
  *opened = true;
  return object ? read_key(p) : C2_OK;
}

/* What follows the value at `node`: closes what ends with it and goes on to the next value; *more is false if the
 * root has ended. The character behind a value becomes a zero once it has been read, which ends a number's text. */
static c2_status end_value(parser *p, uint32_t node, bool *more) {
  while (p->open != NONE) {
    c2_json *container = &p->doc->node[p->open];
    bool object = container->type == C2_JSON_OBJECT;
    if (object) p->doc->node[node - 1].span = 1 + p->doc->node[node].span;
    container->size++;
    char *behind = p->at;
    skip_space(p);
    if (*p->at == ',') {
      p->at++;
      *behind = '\0';
      return object ? read_key(p) : C2_OK;
    }
    if (*p->at != (object ? '}' : ']')) return fail_at(p, object ? "',' or '}'" : "',' or ']'");
    node = p->open;
    C2_TRY(close_container(p));
    *behind = '\0';
  }
  *more = false;
  return C2_OK;
}

static int by_key(const void *a, const void *b) {
  const c2_json *x = *(const c2_json *const *)a;
  const c2_json *y = *(const c2_json *const *)b;
  int order = strcmp(x->text, y->text);
  return order ? order : (x > y) - (x < y);
}

static c2_status sort_large(parser *p) {
  c2_json_document *doc = p->doc;
  size_t used = 0;
  if (doc->key_count == 0) return C2_OK;
  C2_TRY(c2_grow_array(&doc->keys, &doc->key_capacity, doc->key_count, sizeof(c2_json *), p->err));
  for (size_t i = 0; i < doc->count; i++) {
    c2_json *object = &doc->node[i];
    if (object->type != C2_JSON_OBJECT || object->size <= SMALL_OBJECT) continue;
    const c2_json **keys = doc->keys + used;
    C2_JSON_EACH (key, object) doc->keys[used++] = key;
    qsort(keys, object->size, sizeof *keys, by_key);
    for (size_t k = 1; k < object->size; k++) {
      if (strcmp(keys[k - 1]->text, keys[k]->text) == 0) return duplicate(p, keys[k]);
    }
    object->sorted = keys;
  }
  return C2_OK;
}

c2_status c2_json_parse(c2_json_document *doc, char *text, size_t size, c2_error *err) {
  parser p = {.doc = doc, .at = text, .end = text + size, .line_begin = text, .line = 1, .open = NONE, .err = err};
  bool more = true;
  doc->count = 0;
  doc->key_count = 0;
  doc->is_whole = false;
  if (size >= UINT32_MAX) return c2_json_fail(doc, NULL, err, "JSON of %zu bytes: at most 4 GB are read", size);
  text[size] = '\0';
  while (more) {
    bool opened = false;
    C2_TRY(begin_value(&p, &opened));
    if (opened) continue;
    /* an empty container is one node, as a scalar is */
    C2_TRY(end_value(&p, (uint32_t)doc->count - 1, &more));
  }
  char *behind = p.at;
  skip_space(&p);
  if (p.at != p.end) return fail_at(&p, "nothing behind the value");
  *behind = '\0';
  C2_TRY(sort_large(&p));
  doc->is_whole = true;
  return C2_OK;
}

c2_status c2_json_load(c2_json_document *doc, c2_error *err) {
  size_t size = 0;
  C2_TRY((doc->config ? c2_read_config : c2_read_file)(doc->path, &doc->loaded, &size, err));
  return c2_json_parse(doc, doc->loaded, size, err);
}

void c2_json_free(c2_json_document *doc) {
  free(doc->node);
  free(doc->keys);
  free(doc->loaded);
  memset(doc, 0, sizeof *doc);
}

/* ---- Values ---------------------------------------------------------------------------------- */

static int key_order(const void *key, const void *member) {
  return strcmp(key, (*(const c2_json *const *)member)->text);
}

const c2_json *c2_json_get(const c2_json *object, const char *key) {
  if (!c2_json_is(object, C2_JSON_OBJECT)) return NULL;
  if (object->sorted) {
    const c2_json *const *found = bsearch(key, object->sorted, object->size, sizeof *object->sorted, key_order);
    return found ? *found + 1 : NULL;
  }
  C2_JSON_EACH (member, object) {
    if (strcmp(member->text, key) == 0) return member + 1;
  }
  return NULL;
}

const char *c2_json_string(const c2_json *value) {
  return c2_json_is(value, C2_JSON_STRING) ? value->text : NULL;
}

bool c2_json_number(const c2_json *value, double *out) {
  if (!c2_json_is(value, C2_JSON_NUMBER)) return false;
  *out = value->number;
  return true;
}

bool c2_json_integer(const c2_json *value, int64_t *out) {
  if (!c2_json_is(value, C2_JSON_NUMBER)) return false;
  char *end = NULL;
  errno = 0;
  long long whole = strtoll(value->text, &end, 10);
  if (*end || errno == ERANGE) return false;
  *out = whole;
  return true;
}

double c2_json_extended(const c2_json *value) {
  const char *text = c2_json_string(value);
  if (text && strcmp(text, "inf") == 0) return (double)INFINITY;
  if (text && strcmp(text, "-inf") == 0) return -(double)INFINITY;
  return c2_json_is(value, C2_JSON_NUMBER) ? value->number : (double)NAN;
}

const char *c2_json_type_name(const c2_json *value) {
  static const char *const names[] = {
      [C2_JSON_NULL] = "null",      [C2_JSON_NAN] = "NaN",          [C2_JSON_FALSE] = "a boolean",
      [C2_JSON_TRUE] = "a boolean", [C2_JSON_NUMBER] = "a number",  [C2_JSON_STRING] = "a string",
      [C2_JSON_ARRAY] = "an array", [C2_JSON_OBJECT] = "an object", [C2_JSON_KEY] = "a key"};
  return value ? names[value->type] : "nothing";
}

/* ---- Members --------------------------------------------------------------------------------- */

c2_status c2_json_get_size(const c2_json_document *doc, const c2_json *object, const char *key, size_t least,
                           size_t most, size_t *out, c2_error *err) {
  const c2_json *value = c2_json_get(object, key);
  int64_t whole = 0;
  if (!c2_json_integer(value, &whole) || whole < 0 || (uint64_t)whole < least || (uint64_t)whole > most) {
    const char *found = c2_json_is(value, C2_JSON_NUMBER) ? value->text : c2_json_type_name(value);
    return c2_json_fail(doc, value ? value : object, err, "'%s': expected a whole number from %zu to %zu, found %.40s",
                        key, least, most, found);
  }
  *out = (size_t)whole;
  return C2_OK;
}

c2_status c2_json_get_number(const c2_json_document *doc, const c2_json *object, const char *key, double *out,
                             c2_error *err) {
  const c2_json *value = c2_json_get(object, key);
  if (!value || c2_json_number(value, out)) return C2_OK;
  return c2_json_fail(doc, value, err, "'%s': expected a number, found %s", key, c2_json_type_name(value));
}

c2_status c2_json_get_bool(const c2_json_document *doc, const c2_json *object, const char *key, bool *out,
                           c2_error *err) {
  const c2_json *value = c2_json_get(object, key);
  bool known = c2_json_is(value, C2_JSON_TRUE) || c2_json_is(value, C2_JSON_FALSE);
  if (known) *out = value->type == C2_JSON_TRUE;
  if (!value || known) return C2_OK;
  return c2_json_fail(doc, value, err, "'%s': expected true or false, found %s", key, c2_json_type_name(value));
}

c2_status c2_json_refuse_others(const c2_json_document *doc, const c2_json *object, const char *const *known,
                                c2_error *err) {
  C2_JSON_EACH (key, object) {
    char list[300] = "";
    size_t used = 0;
    size_t i = 0;
    while (known[i] && strcmp(key->text, known[i]) != 0) i++;
    if (known[i]) continue;
    for (i = 0; known[i] && used < sizeof list; i++) {
      used += (size_t)snprintf(list + used, sizeof list - used, "%s%s", i ? ", " : "", known[i]);
    }
    return c2_json_fail(doc, key, err, "unknown key \"%.60s\"; expected %s", key->text, list);
  }
  return C2_OK;
}

/* The JSON reader and writer: what is taken and refused and where an error is, beside another library on thousands of
 * mangled texts; round trips; and every allocation failing in turn. */
#include "program.h"

#include <jansson.h>
#include <math.h>
#include <pthread.h>

#include "base/json.h"
#include "base/json_writer.h"
#include "base/safetensors.h"
#include "data/read.h"
#include "model/config.h"

#define MODEL SOURCE_DIR "/tests/golden/model-smooth"

/* ---- Allocations that fail ------------------------------------------------------------------- */

void *__real_malloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__real_realloc(void *block, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__wrap_realloc(void *block, size_t size);

static long until_failure = -1; /* calls that still succeed; -1: all do */

static bool fails(void) {
  return until_failure >= 0 && until_failure-- == 0;
}

void *__wrap_malloc(size_t size) {
  return fails() ? NULL : __real_malloc(size);
}

void *__wrap_calloc(size_t count, size_t size) {
  return fails() ? NULL : __real_calloc(count, size);
}

void *__wrap_realloc(void *block, size_t size) {
  return fails() ? NULL : __real_realloc(block, size);
}

/* ---- Reading --------------------------------------------------------------------------------- */

typedef struct text {
  c2_json_document doc;
  char *bytes;
  c2_error err;
} text;

static c2_status read_bytes(text *t, const char *bytes, size_t size) {
  memset(t, 0, sizeof *t);
  t->bytes = malloc(size + 1);
  assert_non_null(t->bytes);
  memcpy(t->bytes, bytes, size);
  t->bytes[size] = 'x'; /* the reader needs no zero there, only room for one */
  t->doc = (c2_json_document){.path = "file", .failure = C2_ERR_FORMAT};
  return c2_json_parse(&t->doc, t->bytes, size, &t->err);
}

static const c2_json *read_good(text *t, const char *json) {
  if (read_bytes(t, json, strlen(json)) != C2_OK) fail_msg("%s: %s", json, t->err.text);
  return t->doc.node;
}

static void text_free(text *t) {
  c2_json_free(&t->doc);
  free(t->bytes);
}

static void test_accepted(void **state) {
  (void)state;
  static const char *const good[] = {"0",
                                     "-0",
                                     "-1",
                                     "10",
                                     "1.5",
                                     "-0.0",
                                     "1e5",
                                     "1E+5",
                                     "1e-5",
                                     "0e0",
                                     "0.1e1",
                                     "1e-999",
                                     "123456789012345678901234567890",
                                     "\"\"",
                                     "\"a\"",
                                     "true",
                                     "false",
                                     "null",
                                     "[]",
                                     "{}",
                                     " [ ] ",
                                     "\t{\n}\r\n",
                                     "[1]",
                                     "[1,2]",
                                     "[[],[[]],{}]",
                                     "{\"\":0}",
                                     "{\"a\":{\"a\":{\"a\":[]}}}",
                                     "[null,true,false,\"x\",1.0]",
                                     "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
                                     "\"\\u0041\\u00e9\\u20ac\\ud83d\\ude00\"",
                                     "\"\\uDBFF\\uDFFF\"",
                                     "\"\\uffff\"",
                                     "\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"",
                                     "\"\x7f\"",
                                     "\"\xef\xbf\xbf\"",
                                     "\"\xf4\x8f\xbf\xbf\"",
                                     "\"null\"",
                                     "[\"]\",\"}\"]",
                                     "{\"a\":1,\"b\":1,\"A\":1}"};
  for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
    text t;
    (void)read_good(&t, good[i]);
    text_free(&t);
  }
}

static const struct {
  const char *json, *error;
} bad_texts[] = {
    {"", "file:1:1: expected a value, found the end"},
    {"  ", "file:1:3: expected a value, found the end"},
    {"[1,]", "file:1:4: expected a value, found ']'"},
    {"[1 2]", "file:1:4: expected ',' or ']', found '2'"},
    {"[1}", "file:1:3: expected ',' or ']', found '}'"},
    {"[", "file:1:2: expected a value, found the end"},
    {"[1", "file:1:3: expected ',' or ']', found the end"},
    {"]", "file:1:1: expected a value, found ']'"},
    {"{\"a\":1,}", "file:1:8: expected a key in '\"', found '}'"},
    {"{a:1}", "file:1:2: expected a key in '\"', found 'a'"},
    {"{1:1}", "file:1:2: expected a key in '\"', found '1'"},
    {"{\"a\" 1}", "file:1:6: expected ':', found '1'"},
    {"{\"a\":1 \"b\":2}", "file:1:8: expected ',' or '}', found '\"'"},
    {"{\"a\":1]", "file:1:7: expected ',' or '}', found ']'"},
    {"{\"a\":\n 1,\n  \"a\": 2}", "file:3:3: duplicate key 'a'"},
    {"{\"\\u0061\":1,\"a\":2}", "file:1:13: duplicate key 'a'"},
    {"[1] x", "file:1:5: expected nothing behind the value, found 'x'"},
    {"1 2", "file:1:3: expected nothing behind the value, found '2'"},
    {"{}{}", "file:1:3: expected nothing behind the value, found '{'"},
    {"01", "file:1:1: expected a number without leading zeros, found '0'"},
    {"-01", "file:1:2: expected a number without leading zeros, found '0'"},
    {"-", "file:1:2: expected a digit, found the end"},
    {"+1", "file:1:1: expected a value, found '+'"},
    {".5", "file:1:1: expected a value, found '.'"},
    {"1.", "file:1:3: expected a digit, found the end"},
    {"[1.e5]", "file:1:4: expected a digit, found 'e'"},
    {"1e", "file:1:3: expected a digit, found the end"},
    {"1e+", "file:1:4: expected a digit, found the end"},
    {"0x10", "file:1:2: expected a decimal number, found 'x'"},
    {"1_000", "file:1:2: expected nothing behind the value, found '_'"},
    {"1e999", "file:1:1: expected a number within a double's range"},
    {"[0, -1e400]", "file:1:5: expected a number within a double's range"},
    {"NaN", "file:1:1: expected a value, found 'N'"},
    {"Infinity", "file:1:1: expected a finite number, found 'I'"},
    {"-Infinity", "file:1:2: expected a finite number, found 'I'"},
    {"nul", "file:1:4: expected a value, found the end"},
    {"True", "file:1:1: expected a value, found 'T'"},
    {"truex", "file:1:5: expected nothing behind the value, found 'x'"},
    {"'a'", "file:1:1: expected a value, found '''"},
    {"/**/1", "file:1:1: expected a value, found '/'"},
    {"\"a", "file:1:3: expected '\"' at the end of the string, found the end"},
    {"\"a\nb\"", "file:1:3: expected '\"' at the end of the string, found byte 0x0a"},
    {"\"\t\"", "file:1:2: expected '\"' at the end of the string, found byte 0x09"},
    {"\"\\x\"", "file:1:3: expected an escape such as \\n or \\u00e9, found 'x'"},
    {"\"\\", "file:1:3: expected an escape such as \\n or \\u00e9, found the end"},
    {"\"\\u12g4\"", "file:1:6: expected a hexadecimal digit, found 'g'"},
    {"\"\\u12", "file:1:6: expected a hexadecimal digit, found the end"},
    {"\"\\ud800\"", "expected a pair of surrogates"},
    {"\"\\ud800x\"", "expected a pair of surrogates"},
    {"\"\\ud800\\n\"", "expected a pair of surrogates"},
    {"\"\\ud800\\u0041\"", "expected a pair of surrogates"},
    {"\"\\udc00\"", "expected a pair of surrogates"},
    {"\"\\udc00\\ud800\"", "expected a pair of surrogates"},
    {"\"\\u0000\"", "expected a text without \\u0000"},
    {"\"\xff\"", "file:1:2: expected UTF-8, found byte 0xff"},
    {"\"a\xc3\"", "file:1:3: expected UTF-8, found byte 0xc3"},
    {"\"\xc0\xaf\"", "expected UTF-8, found byte 0xc0"},
    {"\"\xe0\x80\x80\"", "expected UTF-8, found byte 0xe0"},
    {"\"\xed\xa0\x80\"", "expected UTF-8, found byte 0xed"},
    {"\"\xf4\x90\x80\x80\"", "expected UTF-8, found byte 0xf4"},
    {"\"\xe2\x82", "expected UTF-8, found byte 0xe2"},
    {"\xef\xbb\xbf[]", "file:1:1: expected a value, found byte 0xef"},
    {"\xa0[]", "expected a value, found byte 0xa0"},
    {"[\n\n  \"\xc3\xa9\xe2\x82\xac\", x]", "file:3:9: expected a value, found 'x'"}}; /* columns are characters */

static void test_refused(void **state) {
  (void)state;
  for (size_t i = 0; i < sizeof bad_texts / sizeof bad_texts[0]; i++) {
    text t;
    if (read_bytes(&t, bad_texts[i].json, strlen(bad_texts[i].json)) != C2_ERR_FORMAT)
      fail_msg("%s: not refused", bad_texts[i].json);
    if (!strstr(t.err.text, bad_texts[i].error))
      fail_msg("%s: said %s, not %s", bad_texts[i].json, t.err.text, bad_texts[i].error);
    text_free(&t);
  }
  static const char zero[] = "[\"a\0b\"]";
  text t;
  assert_int_equal(read_bytes(&t, zero, sizeof zero - 1), C2_ERR_FORMAT);
  assert_string_equal(t.err.text, "file:1:4: expected '\"' at the end of the string, found byte 0x00");
  text_free(&t);
  assert_int_equal(read_bytes(&t, "[1]\0", 4), C2_ERR_FORMAT);
  text_free(&t);
}

static void test_values(void **state) {
  (void)state;
  text t;
  int64_t whole = 0;
  double x = 0;
  const c2_json *root =
      read_good(&t,
                "{\"id\": 1234567890123456, \"max\": 9223372036854775807, \"min\": -9223372036854775808,\n"
                " \"over\": 9223372036854775808, \"real\": 1.0, \"exp\": 1e2, \"list\": [[], [1, 2.5, \"x\"], {}],\n"
                " \"text\": \"\\ud83d\\ude00\\u00e9\\n\\/\", \"yes\": true, \"none\": null, \"last\": 7}");
  assert_int_equal(c2_json_size(root), 11);
  assert_true(c2_json_integer(c2_json_get(root, "id"), &whole) && whole == 1234567890123456);
  assert_string_equal(c2_json_get(root, "id")->text, "1234567890123456");
  assert_true(c2_json_integer(c2_json_get(root, "max"), &whole) && whole == INT64_MAX);
  assert_true(c2_json_integer(c2_json_get(root, "min"), &whole) && whole == INT64_MIN);
  assert_false(c2_json_integer(c2_json_get(root, "over"), &whole));
  assert_true(c2_json_number(c2_json_get(root, "over"), &x) && x == 0x1p63);
  assert_string_equal(c2_json_get(root, "over")->text, "9223372036854775808");
  assert_false(c2_json_integer(c2_json_get(root, "real"), &whole));
  assert_false(c2_json_integer(c2_json_get(root, "exp"), &whole));
  assert_true(c2_json_number(c2_json_get(root, "exp"), &x) && x == 100);
  assert_string_equal(c2_json_string(c2_json_get(root, "text")), "\xf0\x9f\x98\x80\xc3\xa9\n/");
  assert_int_equal(c2_json_get(root, "text")->size, 8);
  const c2_json *list = c2_json_get(root, "list");
  size_t sizes[3] = {9, 9, 9};
  size_t n = 0;
  C2_JSON_EACH (item, list) sizes[n++] = c2_json_size(item);
  assert_int_equal(n, 3);
  assert_true(sizes[0] == 0 && sizes[1] == 3 && sizes[2] == 0);
  assert_int_equal(list->line, 2);
  assert_int_equal(list->column, 64);
  assert_null(c2_json_get(root, "absent"));
  assert_null(c2_json_get(list, "id"));
  assert_null(c2_json_get(NULL, "id"));
  assert_null(c2_json_string(c2_json_get(root, "id")));
  assert_false(c2_json_number(c2_json_get(root, "text"), &x));
  assert_true(c2_json_integer(c2_json_get(root, "last"), &whole) && whole == 7);
  size_t size = 5;
  c2_error err;
  assert_int_equal(c2_json_get_size(&t.doc, root, "last", 1, 6, &size, &err), C2_ERR_FORMAT);
  assert_string_equal(err.text, "file:3:71: 'last': expected a whole number from 1 to 6, found 7");
  assert_int_equal(c2_json_get_size(&t.doc, root, "min", 0, SIZE_MAX, &size, &err), C2_ERR_FORMAT);
  assert_int_equal(c2_json_get_size(&t.doc, root, "absent", 1, 6, &size, &err), C2_ERR_FORMAT);
  assert_string_equal(err.text, "file:1:1: 'absent': expected a whole number from 1 to 6, found nothing");
  assert_int_equal(size, 5);
  text_free(&t);
}

static void *read_nested(void *context) {
  size_t levels = *(size_t *)context;
  static char json[400000];
  memset(json, '[', levels);
  memset(json + levels, ']', levels);
  text t;
  bool good = read_bytes(&t, json, 2 * levels) == C2_OK;
  bool said = good || strcmp(t.err.text, "file:1:129: expected at most 128 levels of nesting, found '['") == 0;
  text_free(&t);
  return good == (levels <= 128) && said ? context : NULL;
}

/* On a stack that recursion would leave. */
static void test_nesting(void **state) {
  (void)state;
  long least = sysconf(_SC_THREAD_STACK_MIN);
  size_t stack = least > 65536 ? (size_t)least : 65536;
  size_t levels[] = {127, 128, 129, 2040, 200000};
  for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
    pthread_attr_t attributes;
    pthread_t thread;
    void *result = NULL;
    assert_int_equal(pthread_attr_init(&attributes), 0);
    assert_int_equal(pthread_attr_setstacksize(&attributes, stack), 0);
    assert_int_equal(pthread_create(&thread, &attributes, read_nested, &levels[i]), 0);
    assert_int_equal(pthread_join(thread, &result), 0);
    assert_int_equal(pthread_attr_destroy(&attributes), 0);
    if (!result) fail_msg("%zu levels", levels[i]);
  }
}

/* Keys of a large object are sorted; of several in one document, too. */
static void test_large_objects(void **state) {
  (void)state;
  enum { KEYS = 3000 };
  char *json = NULL;
  size_t size = 0;
  for (size_t twin = 0; twin <= KEYS; twin += KEYS / 2) {
    FILE *out = open_memstream(&json, &size);
    (void)fputs("[", out);
    for (int k = 0; k < 2; k++) {
      (void)fputs(k ? ",{" : "{", out);
      for (size_t i = 0; i < KEYS; i++) (void)fprintf(out, "%s\"key %zu\":[%zu]", i ? "," : "", i * 7919 % KEYS, i);
      (void)fprintf(out, ",\"key %s%zu\":0}", k == 0 || twin == KEYS ? "x" : "", twin);
    }
    (void)fputs("]", out);
    assert_int_equal(fclose(out), 0);
    text t;
    c2_status status = read_bytes(&t, json, size);
    if (twin < KEYS) {
      char said[40];
      (void)snprintf(said, sizeof said, "duplicate key 'key %zu'", twin);
      assert_int_equal(status, C2_ERR_FORMAT);
      assert_non_null(strstr(t.err.text, said));
    } else {
      assert_int_equal(status, C2_OK);
      const c2_json *second = t.doc.node + 1 + (t.doc.node + 1)->span;
      for (size_t i = 0; i < KEYS; i++) {
        char key[24];
        double value = -1;
        (void)snprintf(key, sizeof key, "key %zu", i * 7919 % KEYS);
        assert_true(c2_json_number(c2_json_first(c2_json_get(second, key)), &value) && value == (double)i);
      }
      assert_null(c2_json_get(second, "key 3000"));
    }
    text_free(&t);
    free(json);
  }
}

/* ---- Beside another library ------------------------------------------------------------------ */

static void compare(const c2_json *ours, json_t *theirs) {
  if (json_is_object(theirs)) {
    assert_int_equal(ours->type, C2_JSON_OBJECT);
    assert_int_equal(ours->size, json_object_size(theirs));
    C2_JSON_EACH (key, ours) compare(key + 1, json_object_get(theirs, key->text));
  } else if (json_is_array(theirs)) {
    size_t i = 0;
    assert_int_equal(ours->type, C2_JSON_ARRAY);
    assert_int_equal(ours->size, json_array_size(theirs));
    C2_JSON_EACH (item, ours) compare(item, json_array_get(theirs, i++));
  } else if (json_is_string(theirs)) {
    assert_string_equal(c2_json_string(ours), json_string_value(theirs));
  } else if (json_is_number(theirs)) {
    double x = 0;
    assert_true(c2_json_number(ours, &x) && x == json_number_value(theirs));
  } else {
    assert_non_null(theirs);
    c2_json_type type = json_is_true(theirs) ? C2_JSON_TRUE : json_is_false(theirs) ? C2_JSON_FALSE : C2_JSON_NULL;
    assert_int_equal(ours->type, type);
  }
}

static uint64_t next_random(uint64_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 7;
  *state ^= *state << 17;
  return *state;
}

static void test_beside_jansson(void **state) {
  (void)state;
  static const char *const seeds[] = {
      "{\"item_id\": \"a\\u00e9\", \"target\": [1, 2.5, null, -3e-2], \"past_covariates\": {\"x\": [true, \"b\"]}}",
      "[[1,2,[3,{}]],{\"a\":{\"b\":[]},\"c\":\"\\ud83d\\ude00\"},0.1,1e5,\"\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\"]",
      ("{\"a\":1,\"b\":2,\"c\":3,\"d\":4,\"e\":5,\"f\":6,\"g\":7,\"h\":8,\"i\":9,\"j\":10,\"k\":\"l\",\"m\":"
       "12345678901234567}")};
  static const char pieces[] = "{}[]:,\"\\u0dD8eE+-.19tfn \n\xc3\xa9\xe2\xed\xa0\xf4\x90\x80\x7f/b";
  uint64_t random = 88172645463325252u;
  size_t taken = 0;
  for (size_t round = 0; round < 60000; round++) {
    char json[256];
    const char *seed = seeds[round % 3];
    size_t size = strlen(seed);
    memcpy(json, seed, size);
    for (uint64_t edits = next_random(&random) % 4; edits > 0; edits--) {
      size_t at = next_random(&random) % size;
      uint64_t kind = next_random(&random) % 3;
      char piece = pieces[next_random(&random) % (sizeof pieces - 1)];
      if (kind == 0) json[at] = piece;
      if (kind == 1) memmove(json + at, json + at + 1, --size - at);
      if (kind == 2 && size < sizeof json - 1) {
        memmove(json + at + 1, json + at, size++ - at);
        json[at] = piece;
      }
    }
    json_error_t why;
    json_t *theirs = json_loadb(json, size, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY | JSON_DECODE_INT_AS_REAL, &why);
    text t;
    bool good = read_bytes(&t, json, size) == C2_OK;
    if (good != (theirs != NULL)) fail_msg("%.*s: %s / %s", (int)size, json, good ? "taken" : t.err.text, why.text);
    if (good) compare(t.doc.node, theirs);
    taken += good;
    json_decref(theirs);
    text_free(&t);
  }
  assert_true(taken > 10000 && taken < 50000); /* both kinds came */
}

/* ---- Writing --------------------------------------------------------------------------------- */

static void put_everything(c2_json_writer *w) {
  c2_json_begin_object(w, NULL);
  c2_json_put_null(w, "null");
  c2_json_put_bool(w, "yes", true);
  c2_json_put_whole(w, "whole", UINT64_MAX);
  c2_json_put_number(w, "number", 0.1);
  c2_json_put_number(w, "nan", (double)NAN);
  c2_json_put_numbers(w, "ends", (const double[]){(double)INFINITY, -(double)INFINITY}, 2);
  c2_json_put_text(w, "text", "\"\\/\b\f\n\r\t\x01\x7f <\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80>");
  c2_json_put_text(w, "not \"UTF-8\"",
                   "a\xff"
                   "b");
  c2_json_put_text(w, "absent", NULL);
  c2_json_begin_array(w, "empty");
  c2_json_end_array(w);
  c2_json_begin_array(w, "list");
  c2_json_begin_object(w, NULL);
  c2_json_end_object(w);
  c2_json_put_whole(w, NULL, 1);
  c2_json_end_array(w);
  c2_json_end_object(w);
}

static char *written(c2_json_writer *w, size_t *size) {
  char *bytes = NULL;
  w->out = open_memstream(&bytes, size);
  assert_non_null(w->out);
  put_everything(w);
  assert_int_equal(c2_json_finish(w, "memory", NULL), C2_OK);
  assert_int_equal(fclose(w->out), 0);
  return bytes;
}

static void test_writer(void **state) {
  (void)state;
  static const c2_json_writer how[] = {{.compact = false}, {.compact = true}, {.compact = true, .html = true}};
  for (size_t i = 0; i < 3; i++) {
    c2_json_writer w = how[i];
    c2_json_writer counter = how[i];
    size_t size = 0;
    char *bytes = written(&w, &size);
    put_everything(&counter);
    assert_int_equal(counter.size, size);
    json_t *theirs = json_loadb(bytes, size, JSON_REJECT_DUPLICATES | JSON_DECODE_INT_AS_REAL, NULL);
    assert_non_null(theirs);
    text t;
    assert_int_equal(read_bytes(&t, bytes, size), C2_OK);
    compare(t.doc.node, theirs);
    const c2_json *root = t.doc.node;
    assert_string_equal(c2_json_string(c2_json_get(root, "text")),
                        "\"\\/\b\f\n\r\t\x01\x7f <\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80>");
    assert_string_equal(c2_json_string(c2_json_get(root, "not \"UTF-8\"")),
                        "a\xef\xbf\xbd"
                        "b");
    assert_string_equal(c2_json_get(root, "whole")->text, "18446744073709551615");
    const c2_json *ends = c2_json_get(root, "ends");
    assert_true(c2_json_extended(ends + 1) == (double)INFINITY && c2_json_extended(ends + 2) == -(double)INFINITY);
    assert_true(isnan(c2_json_extended(c2_json_get(root, "nan"))));
    assert_true(c2_json_extended(c2_json_get(root, "number")) == 0.1);
    for (size_t k = 0; how[i].html && k < size; k++) assert_true((unsigned char)bytes[k] < 0x7f && bytes[k] != '<');
    if (how[i].compact) assert_null(memchr(bytes, '\n', size));
    text_free(&t);
    json_decref(theirs);
    free(bytes);
  }
}

static void test_numbers_return(void **state) {
  (void)state;
  uint64_t random = 1;
  double x[2000];
  for (size_t i = 0; i < 2000; i++) {
    do {
      uint64_t bits = next_random(&random);
      memcpy(&x[i], &bits, sizeof x[i]);
    } while (!isfinite(x[i]));
  }
  char *bytes = NULL;
  size_t size = 0;
  c2_json_writer w = {.out = open_memstream(&bytes, &size)};
  c2_json_put_numbers(&w, NULL, x, 2000);
  assert_int_equal(c2_json_finish(&w, "memory", NULL), C2_OK);
  assert_int_equal(fclose(w.out), 0);
  text t;
  assert_int_equal(read_bytes(&t, bytes, size), C2_OK);
  size_t i = 0;
  C2_JSON_EACH (value, t.doc.node) assert_memory_equal(&value->number, &x[i++], sizeof *x);
  assert_int_equal(i, 2000);
  text_free(&t);
  free(bytes);
}

static void test_writer_fails(void **state) {
  (void)state;
  c2_error err;
  FILE *full = fopen("/dev/full", "w");
  assert_non_null(full);
  assert_int_equal(setvbuf(full, NULL, _IONBF, 0), 0);
  c2_json_writer w = {.out = full};
  put_everything(&w);
  assert_int_equal(c2_json_finish(&w, "disk", &err), C2_ERR_IO);
  assert_non_null(strstr(err.text, "disk: cannot write: No space left"));
  (void)fclose(full);
  c2_json_writer open = {.compact = true};
  assert_int_equal(c2_json_finish(&open, "x", &err), C2_ERR_ARGUMENT); /* nothing was written */
  c2_json_begin_array(&open, NULL);
  assert_int_equal(c2_json_finish(&open, "x", &err), C2_ERR_ARGUMENT);
  c2_json_end_array(&open);
  assert_int_equal(c2_json_finish(&open, "x", &err), C2_OK);
  c2_json_end_array(&open);
  assert_int_not_equal(c2_json_finish(&open, "x", &err), C2_OK);
}

/* ---- Where it is used ------------------------------------------------------------------------ */

static c2_status read_lines(c2_dataset *set, char *lines, size_t size, c2_error *err) {
  c2_input input;
  c2_status status = c2_input_start(&input, "s.jsonl", lines, size, false, NULL, err);
  if (status == C2_OK) status = c2_input_read(&input, set, &(c2_read_options){0}, err);
  c2_input_close(&input);
  return status;
}

static c2_status read_series(c2_dataset *set, const char *lines, c2_error *err) {
  size_t size = strlen(lines);
  char *bytes = malloc(size + 1);
  assert_non_null(bytes);
  memcpy(bytes, lines, size + 1);
  memset(set, 0, sizeof *set);
  c2_status status = read_lines(set, bytes, size, err);
  free(bytes);
  return status;
}

static void test_ids(void **state) {
  (void)state;
  c2_dataset set;
  c2_error err;
  static const char ids[] =
      "{\"item_id\": 1234567890123456, \"target\": [1]}\n"
      "{\"item_id\": 1234567890123457, \"target\": [2]}\n\n"
      "{\"item_id\": 123456789012345678901234567890, \"target\": [3]}\r\n"
      "{\"item_id\": -0.50, \"target\": [4]}\n"
      "{\"item_id\": \"x\", \"target\": [NaN, 5, null]}";
  static const char *const expected[] = {"1234567890123456", "1234567890123457", "123456789012345678901234567890",
                                         "-0.50", "x"};
  assert_int_equal(read_series(&set, ids, &err), C2_OK);
  assert_int_equal(set.count, 5);
  for (size_t i = 0; i < 5; i++) assert_string_equal(set.item[i].id, expected[i]);
  assert_int_equal(set.item[2].line, 4);
  assert_true(isnan(set.item[4].target[0]) && set.item[4].target[1] == 5 && isnan(set.item[4].target[2]));
  c2_dataset_free(&set);
}

static void test_categories(void **state) {
  (void)state;
  c2_dataset set;
  c2_error err;
  assert_int_equal(read_series(&set,
                               "{\"target\": [1, 2, 3, 4, 5, 6, 7, 8], \"past_covariates\": {\"c\": "
                               "[9007199254740992, 9007199254740993, 1, 1.0, 0.1, NaN, true, \"x\"]}, "
                               "\"future_covariates\": {\"c\": [\"y\"]}}",
                               &err),
                   C2_OK);
  const c2_covariate *c = &set.item[0].covariate[0];
  static const char *const expected[] = {"9007199254740992", "9007199254740993", "1", "1", "0.1", NULL, "True"};
  assert_true(c->is_text);
  for (size_t i = 0; i < 7; i++) {
    if (expected[i]) assert_string_equal(c->past_text[i], expected[i]);
    if (!expected[i]) assert_null(c->past_text[i]);
  }
  c2_dataset_free(&set);
  /* The past says what a covariate holds. */
  static const char numbers[] =
      "{\"target\": [1, 2], \"past_covariates\": {\"c\": [null, 1]}, \"future_covariates\": {\"c\": [2, \"NaN\"]}}";
  assert_int_equal(read_series(&set, numbers, &err), C2_ERR_FORMAT);
  assert_non_null(strstr(err.text, "\"c\"[1]: expected a number or null, found a string"));
  c2_dataset_free(&set);
  static const char nothing[] =
      "{\"target\": [1], \"past_covariates\": {\"c\": [null]}, \"future_covariates\": {\"c\": [\"x\"]}}";
  assert_int_equal(read_series(&set, nothing, &err), C2_OK);
  assert_true(set.item[0].covariate[0].is_text);
  c2_dataset_free(&set);
}

/* A start that is no point of its frequency moves, which is noted once. */
static void test_starts(void **state) {
  (void)state;
  c2_dataset set;
  c2_error err;
  char stamp[C2_TIME_ROOM];
  static const char lines[] =
      "{\"target\": [1], \"start\": \"2024-01-01\", \"freq\": \"MS\"}\n"
      "{\"target\": [1], \"start\": \"2024-01-15\", \"freq\": \"MS\", \"item_id\": \"late\"}\n"
      "{\"target\": [1], \"start\": \"2024-01-15\", \"freq\": \"W-SUN\"}";
  assert_int_equal(read_series(&set, lines, &err), C2_OK);
  c2_item_stamp(&set.item[1], set.item[1].start, stamp);
  assert_string_equal(stamp, "2024-02-01");
  assert_int_equal(set.notes, 1);
  assert_string_equal(set.note[0], "2 series, 'late' the first, have a start between two points of the frequency: it "
                                   "moves to the next one");
  c2_dataset_free(&set);
}

static void test_bad_lines(void **state) {
  (void)state;
  static const struct {
    const char *lines, *error;
  } bad[] = {
      {"{\"target\": [1]}\n\n{\"target\": [1, Infinity]}\n", "s.jsonl:3:16: expected a finite number, found 'I'"},
      {"{\"target\": [1]}\n{\"target\": [1, \"x\"]}\n", "s.jsonl:2:16: \"target\"[1]: expected a number or null"},
      {"{\"target\": [1], \"target\": [2]}\n", "s.jsonl:1:17: duplicate key 'target'"},
      {"{\"target\": [1]\n}", "s.jsonl:1:15: expected ',' or '}', found the end; JSON Lines holds one object a line"},
      {"{\"item_id\": \"a\\u001b[31m\", \"target\": [1]}\n", "s.jsonl:1:13: \"item_id\" holds a control character"},
      {"{\"target\": [1], \"past_covariates\": {\"c\": [\"\xc2\x9b\"]}}", "s.jsonl:1:43: a category holds a control"},
      {"{\"target\": [1], \"past_covariates\": {\"c\\n\": [1]}}", "s.jsonl:1:37: a covariate's name holds a control"},
      {"{\"item_id\": NaN, \"target\": [1]}", "s.jsonl:1:13: \"item_id\": expected a name or a number, found NaN"},
      {"[1]", "s.jsonl:1:1: expected an object, found an array"},
      {"{\"target\": [1], \"future\": [1]}",
       "s.jsonl:1:17: unknown key \"future\"; expected item_id, start, freq, target, past_covariates, future_cov"},
      {"{\"target\": [1e999]}", "s.jsonl:1:13: expected a number within a double's range"}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    c2_dataset set;
    c2_error err;
    if (read_series(&set, bad[i].lines, &err) != C2_ERR_FORMAT) fail_msg("%s: not refused", bad[i].lines);
    if (!strstr(err.text, bad[i].error)) fail_msg("%s: said %s, not %s", bad[i].lines, err.text, bad[i].error);
    c2_dataset_free(&set);
  }
}

/* A name that needs escapes, no tensor, an empty tensor; the header is JSON to others too, and data begin aligned. */
static void test_safetensors_header(void **state) {
  (void)state;
  static const float data[] = {1, 2, 3, 4, 5, 6};
  static const int64_t whole[] = {-7};
  const c2_tensor_out tensors[] = {
      {"a \"b\"\\\n\xc3\xa9", C2_F32, 2, {2, 3}, data}, {"none", C2_F32, 1, {0}, NULL}, {"i", C2_I64, 1, {1}, whole}};
  char *folder = program_make_folder();
  char *path = program_path(folder, "x.safetensors");
  for (size_t count = 0; count <= 3; count++) {
    c2_safetensors file;
    c2_error err;
    assert_int_equal(c2_safetensors_write(path, tensors, count, &err), C2_OK);
    if (c2_safetensors_open(&file, path, &err) != C2_OK) fail_msg("%s", err.text);
    assert_int_equal(file.count, count);
    char *bytes = program_read_file(path);
    size_t length = (unsigned char)bytes[0] | (size_t)(unsigned char)bytes[1] << 8;
    assert_int_equal(length % 8, 0);
    json_t *header = json_loadb(bytes + 8, length, 0, NULL);
    free(bytes);
    assert_int_equal(json_object_size(header), count);
    json_decref(header);
    if (count > 0) {
      const c2_tensor *t = c2_safetensors_find(&file, tensors[0].name);
      assert_true(t && t->dims == 2 && t->shape[0] == 2 && t->shape[1] == 3);
      assert_memory_equal(t->data, data, sizeof data);
    }
    c2_safetensors_close(&file);
  }
  program_remove_folder(folder);
  free(path);
}

/* ---- Every allocation fails once ------------------------------------------------------------- */

typedef c2_status (*attempt)(const char *path, c2_error *err); /* asserts the right values where it succeeds */

static c2_status try_document(const char *path, c2_error *err) {
  (void)path;
  char json[4000];
  size_t size = (size_t)snprintf(json, sizeof json, "{\"long\": 1126424160189724, \"text\": \"\\u00e9\"");
  for (int i = 0; i < 100; i++) {
    size += (size_t)snprintf(json + size, sizeof json - size, ",\"key %d\":[%d,{}]", i, i);
  }
  size += (size_t)snprintf(json + size, sizeof json - size, "}");
  c2_json_document doc = {.path = "file", .failure = C2_ERR_FORMAT};
  c2_status status = c2_json_parse(&doc, json, size, err);
  if (status == C2_OK) {
    assert_int_equal(c2_json_size(doc.node), 102);
    assert_string_equal(c2_json_get(doc.node, "long")->text, "1126424160189724");
    assert_string_equal(c2_json_get(doc.node, "text")->text, "\xc3\xa9");
    assert_true(c2_json_first(c2_json_get(doc.node, "key 99"))->number == 99);
  }
  c2_json_free(&doc);
  return status;
}

static c2_status try_config(const char *path, c2_error *err) {
  (void)path;
  chronos2_config config;
  c2_trained trained;
  c2_status status = c2_config_read(MODEL "/weights", &config, &trained, err);
  if (status == C2_OK) assert_true(config.patch == 16 && config.quantiles == 21 && config.quantile_levels[20] == 0.99);
  return status;
}

static c2_status try_tensors(const char *path, c2_error *err) {
  (void)path;
  c2_safetensors file;
  c2_status status = c2_safetensors_open(&file, MODEL "/forward/plain.safetensors", err);
  if (status != C2_OK) return status;
  assert_non_null(c2_safetensors_find(&file, "out.quantiles"));
  assert_non_null(c2_safetensors_metadata(&file, "case"));
  c2_safetensors_close(&file);
  return C2_OK;
}

static c2_status try_lines(const char *path, c2_error *err) {
  (void)path;
  c2_dataset set;
  char lines[] =
      "{\"item_id\": 1126424160189724, \"target\": [1126424160189724, null]}\n"
      "{\"target\": [[1], [2]], \"past_covariates\": {\"c\": [\"x\"]}, \"future_covariates\": {\"c\": [\"y\"]}}\n";
  memset(&set, 0, sizeof set);
  c2_status status = read_lines(&set, lines, sizeof lines - 1, err);
  if (status == C2_OK) {
    assert_string_equal(set.item[0].id, "1126424160189724");
    assert_true(set.item[0].target[0] == 1126424160189724.0);
    assert_string_equal(set.item[1].covariate[0].future_text[0], "y");
  }
  c2_dataset_free(&set);
  return status;
}

static c2_status try_writing(const char *path, c2_error *err) {
  static const float data[] = {1, 2, 3};
  const c2_tensor_out tensors[] = {{"a", C2_F32, 1, {3}, data}, {"b", C2_F32, 1, {1}, data}};
  (void)unlink(path);
  c2_status status = c2_safetensors_write(path, tensors, 2, err);
  until_failure = -1;
  if (status != C2_OK) {
    assert_int_not_equal(access(path, F_OK), 0);
    return status;
  }
  c2_safetensors file;
  assert_int_equal(c2_safetensors_open(&file, path, err), C2_OK);
  assert_int_equal(file.count, 2);
  c2_safetensors_close(&file);
  return C2_OK;
}

static void test_allocation_failure(void **state) {
  (void)state;
  static const struct {
    attempt attempt;
    long least; /* allocations that there are at least, so that the test can't pass by failing none */
  } all[] = {{try_document, 5}, {try_config, 3}, {try_tensors, 10}, {try_lines, 5}, {try_writing, 3}};
  char *folder = program_make_folder();
  char *path = program_path(folder, "x.safetensors");
  for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
    long n = 0;
    for (c2_status status = C2_ERR_MEMORY; status != C2_OK; n++) {
      c2_error err = {.code = C2_OK};
      until_failure = n;
      status = all[i].attempt(path, &err);
      bool failed = until_failure < 0;
      until_failure = -1;
      if (status != C2_OK && status != C2_ERR_MEMORY) fail_msg("%zu, allocation %ld: %s", i, n, err.text);
      if (status == C2_ERR_MEMORY) assert_true(failed && strstr(err.text, "allocate"));
    }
    if (n <= all[i].least) fail_msg("%zu: only %ld allocations", i, n);
  }
  program_remove_folder(folder);
  free(path);
}

int main(void) {
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_accepted),
                                     cmocka_unit_test(test_refused),
                                     cmocka_unit_test(test_values),
                                     cmocka_unit_test(test_nesting),
                                     cmocka_unit_test(test_large_objects),
                                     cmocka_unit_test(test_beside_jansson),
                                     cmocka_unit_test(test_writer),
                                     cmocka_unit_test(test_numbers_return),
                                     cmocka_unit_test(test_writer_fails),
                                     cmocka_unit_test(test_ids),
                                     cmocka_unit_test(test_categories),
      cmocka_unit_test(test_starts),
                                     cmocka_unit_test(test_bad_lines),
                                     cmocka_unit_test(test_safetensors_header),
                                     cmocka_unit_test(test_allocation_failure)};
  return cmocka_run_group_tests(tests, NULL, NULL);
}

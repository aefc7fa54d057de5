/* Arrow's IPC format by nanoarrow. Messages are walked here, over bytes that are in memory, because nanoarrow's own
 * reader takes the end of the bytes for the end of the stream and presumes more of messages than a stranger keeps. */
#include <errno.h>
#include <nanoarrow/ipc/flatcc_generated.h>
#include <nanoarrow/nanoarrow.h>
#include <nanoarrow/nanoarrow_ipc.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/text.h"
#include "data/ipc.h"

#define ns(name) FLATBUFFERS_WRAP_NAMESPACE(org_apache_arrow_flatbuf, name)

/* nanoarrow multiplies lengths and widths without a check. */
enum { MOST_ROWS = INT32_MAX, WIDEST = 1 << 20 };

/* Polars writes string views, and files whose schema has no frame. */
#define POLARS "; polars writes what is read by write_ipc_stream with compat_level=pl.CompatLevel.oldest()"

typedef struct reading {
  const uint8_t *bytes; /* [size] */
  size_t size, at;
  bool is_file, has_ended;
  c2_ipc_options options;
  size_t values;
  struct ArrowIpcDecoder decoder;
  struct ArrowIpcDictionaryEncodings encodings; /* refer to the schema */
  struct ArrowIpcDictionaries dictionaries;
  struct ArrowSchema schema;
  struct ArrowError error;
  char text[1024]; /* of the error, as it may be shown */
} reading;

bool c2_ipc_available(const char **how) {
  *how = NULL;
  return true;
}

/* ---- Messages -------------------------------------------------------------------------------- */

C2_PRINTF(3, 4)
static int refuse(reading *r, int code, const char *format, ...) {
  va_list args;
  va_start(args, format);
  (void)vsnprintf(r->error.message, sizeof r->error.message, format, args);
  va_end(args);
  return code;
}

/* That nothing is missing and nothing is left. A file goes on with a footer, which lists what was read. */
static int check_end(reading *r) {
  static const char magic[] = "ARROW1";
  enum { MAGIC = sizeof magic - 1 };
  r->has_ended = true;
  size_t rest = r->size - r->at - 8;
  if (!r->is_file && rest > 0) return refuse(r, EINVAL, "%zu bytes follow its end", rest);
  if (r->is_file && (rest < MAGIC || memcmp(r->bytes + r->size - MAGIC, magic, MAGIC) != 0)) {
    return refuse(r, EINVAL, "it is cut off: the file does not end with ARROW1");
  }
  return 0;
}

static int check_codec(reading *r) {
  enum ArrowIpcCompressionType codec = r->decoder.codec;
  if (codec == NANOARROW_IPC_COMPRESSION_TYPE_NONE) return 0;
  bool is_lz4 = codec == NANOARROW_IPC_COMPRESSION_TYPE_LZ4_FRAME;
  const char *name = is_lz4 ? "LZ4" : "Zstandard";
  if (r->options.is_bounded) {
    return refuse(r, ENOTSUP, "its buffers are compressed by %s: expected uncompressed ones", name);
  }
  if (is_lz4 ? ArrowIpcGetLZ4DecompressionFunction() != NULL : ArrowIpcGetZstdDecompressionFunction() != NULL) return 0;
  return refuse(r, ENOTSUP,
                "its buffers are compressed by %s, and this program was built without that: run scripts/setup.sh "
                "arrow, then make; or write them uncompressed",
                name);
}

/* What nanoarrow presumes of the arrays of a batch, each of one node: that their sizes are no nonsense. */
static int check_nodes(reading *r, ns(RecordBatch_table_t) batch) {
  ns(FieldNode_vec_t) nodes = ns(RecordBatch_nodes(batch));
  bool holds = ns(RecordBatch_length(batch)) >= 0 && ns(RecordBatch_length(batch)) <= MOST_ROWS;
  for (size_t i = 0; i < ns(FieldNode_vec_len(nodes)); i++) {
    int64_t length = ns(FieldNode_length(ns(FieldNode_vec_at(nodes, i))));
    int64_t missing = ns(FieldNode_null_count(ns(FieldNode_vec_at(nodes, i))));
    holds = holds && length >= 0 && length <= MOST_ROWS && missing >= -1 && missing <= length;
  }
  ns(Buffer_vec_t) buffers = ns(RecordBatch_buffers(batch));
  for (size_t i = 0; i < ns(Buffer_vec_len(buffers)); i++) {
    int64_t offset = ns(Buffer_offset(ns(Buffer_vec_at(buffers, i))));
    int64_t length = ns(Buffer_length(ns(Buffer_vec_at(buffers, i))));
    int64_t body = r->decoder.body_size_bytes;
    holds = holds && offset >= 0 && offset % 8 == 0 && offset <= body && length >= 0 && length <= body - offset;
  }
  return holds ? 0 : refuse(r, EINVAL, "an array has a size that cannot be");
}

/* ... and of a dictionary: that it has as many arrays and buffers as its type needs, none of them compressed. */
static int check_dictionary(reading *r, ns(DictionaryBatch_table_t) dictionary) {
  ns(RecordBatch_table_t) batch = ns(DictionaryBatch_data(dictionary));
  const struct ArrowIpcDictionaryEncoding *found =
      ArrowIpcDictionaryEncodingsFindById(&r->encodings, ns(DictionaryBatch_id(dictionary)));
  if (!batch || !found || !found->schema->dictionary) return refuse(r, EINVAL, "a dictionary is of no column");
  if (ns(RecordBatch_compression_is_present(batch))) {
    return refuse(r, ENOTSUP, "a dictionary is compressed: write it uncompressed, or its column as text");
  }
  const char *format = found->schema->dictionary->format;
  size_t buffers = strchr("uUzZ", format[0]) ? 3 : 2;
  if (!strchr("bcCsSiIlLefguUzZ", format[0]) || found->schema->dictionary->dictionary) {
    return refuse(r, ENOTSUP, "a dictionary holds neither texts nor numbers");
  }
  if (ns(FieldNode_vec_len(ns(RecordBatch_nodes(batch)))) != 1 ||
      ns(Buffer_vec_len(ns(RecordBatch_buffers(batch)))) != buffers) {
    return refuse(r, EINVAL, "a dictionary has a wrong number of buffers");
  }
  return check_nodes(r, batch);
}

/* ... and of metadata: that keys and values are there. */
static bool is_whole(ns(KeyValue_vec_t) pairs) {
  for (size_t i = 0; i < ns(KeyValue_vec_len(pairs)); i++) {
    ns(KeyValue_table_t) pair = ns(KeyValue_vec_at(pairs, i));
    if (!pair || !ns(KeyValue_key(pair)) || !ns(KeyValue_value(pair))) return false;
  }
  return true;
}

/* ... and of a schema's fields: that each says its type. Those that hold others aren't read. */
static int check_fields(reading *r, ns(Schema_table_t) schema) {
  ns(Field_vec_t) fields = ns(Schema_fields(schema));
  bool whole = is_whole(ns(Schema_custom_metadata(schema)));
  for (size_t i = 0; i < ns(Field_vec_len(fields)); i++) {
    ns(Field_table_t) field = ns(Field_vec_at(fields, i));
    ns(DictionaryEncoding_table_t) dictionary = field ? ns(Field_dictionary(field)) : NULL;
    if (!field || !ns(Field_type_get(field)) || (dictionary && !ns(DictionaryEncoding_indexType(dictionary)))) {
      return refuse(r, EINVAL, "column %zu has no type", i + 1);
    }
    whole = whole && is_whole(ns(Field_custom_metadata(field)));
    const char *name = ns(Field_name(field));
    if (ns(Field_vec_len(ns(Field_children(field)))) > 0) {
      return refuse(r, ENOTSUP, "column '%.60s' holds nested values: expected a table of one value a row and column",
                    name ? name : "");
    }
  }
  return whole ? 0 : refuse(r, EINVAL, "metadata lack a key or a value");
}

/* Checks what nanoarrow doesn't, when the header is verified. */
static int check_message(reading *r, const uint8_t *head) {
  flatbuffers_generic_t content = ns(Message_header_get(ns(Message_as_root(head + 8))));
  if (!content) return refuse(r, EINVAL, "a message is empty");
  switch (r->decoder.message_type) {
    case NANOARROW_IPC_MESSAGE_TYPE_SCHEMA: return check_fields(r, content);
    case NANOARROW_IPC_MESSAGE_TYPE_DICTIONARY_BATCH: return check_dictionary(r, content);
    case NANOARROW_IPC_MESSAGE_TYPE_RECORD_BATCH: return check_nodes(r, content);
    default: return 0;
  }
}

/* Decodes the next message's header, and finds its body; at the end of the stream has_ended is set. */
static int next_message(reading *r, struct ArrowBufferView *body) {
  size_t left = r->size - r->at;
  const uint8_t *head = r->bytes + r->at;
  if (left < 8) {
    return refuse(r, EINVAL, "it is cut off at byte %zu: expected another message or the mark of its end", r->at);
  }
  if (memcmp(head, "\xff\xff\xff\xff", 4) != 0) {
    return refuse(r, EINVAL, "expected a message at byte %zu, as Arrow has it from version 0.15 on%s", r->at,
                  r->is_file && r->at == 8 ? POLARS : "");
  }
  uint32_t length = (uint32_t)head[7] << 24 | (uint32_t)head[6] << 16 | (uint32_t)head[5] << 8 | head[4];
  if (length == 0) return check_end(r);
  if (length > left - 8) {
    return refuse(r, EINVAL, "it is cut off: the message at byte %zu goes on beyond its end", r->at);
  }
  struct ArrowBufferView view = {.data.as_uint8 = head, .size_bytes = (int64_t)left};
  int code = ArrowIpcDecoderVerifyHeader(&r->decoder, view, &r->error);
  if (code == 0) code = check_message(r, head);
  if (code == 0) code = ArrowIpcDecoderDecodeHeader(&r->decoder, view, &r->error);
  if (code != 0) return code;
  size_t header = (size_t)r->decoder.header_size_bytes;
  int64_t size = r->decoder.body_size_bytes;
  if (size < 0 || header > left || (uint64_t)size > left - header) {
    return refuse(r, EINVAL, "it is cut off: the message at byte %zu goes on beyond its end", r->at);
  }
  if (header % 8 != 0 || size % 8 != 0) return refuse(r, EINVAL, "the message at byte %zu is not aligned", r->at);
  *body = (struct ArrowBufferView){.data.as_uint8 = head + header, .size_bytes = size};
  r->at += header + (size_t)size;
  return check_codec(r);
}

/* Widths that sizes can be multiplied with. */
static int check_widths(reading *r) {
  for (int64_t i = 0; i < r->schema.n_children; i++) {
    const struct ArrowSchema *column = r->schema.children[i];
    if (column->format[0] != 'w' || strtol(column->format + 2, NULL, 10) <= WIDEST) continue;
    return refuse(r, ENOTSUP, "column '%.60s' holds binary values of more than %d bytes", column->name, WIDEST);
  }
  return 0;
}

static int read_schema(reading *r) {
  struct ArrowBufferView body;
  int code = next_message(r, &body);
  if (code == 0 && (r->has_ended || r->decoder.message_type != NANOARROW_IPC_MESSAGE_TYPE_SCHEMA)) {
    code = refuse(r, EINVAL, "expected a schema at its beginning");
  }
  if (code == 0) code = ArrowIpcDecoderSetEndianness(&r->decoder, r->decoder.endianness);
  if (code != 0) return code;
  code = ArrowIpcDecoderDecodeSchemaWithDictionaries(&r->decoder, &r->schema, &r->encodings, &r->error);
  if (code != 0) return code;
  code = check_widths(r);
  if (code == 0) code = ArrowIpcDictionariesInit(&r->dictionaries, &r->encodings, &r->error);
  if (code == 0) code = ArrowIpcDecoderSetSchemaWithDictionaries(&r->decoder, &r->schema, &r->encodings, &r->error);
  return code;
}

/* Counts a batch that was decoded. nanoarrow may report success without an array. */
static int count_batch(reading *r, const struct ArrowArray *batch) {
  size_t values = 0;
  if (!batch->release) return refuse(r, EINVAL, "a record batch can't be decoded");
  if (r->options.most_values == 0) return 0;
  size_t columns = (size_t)batch->n_children + 2;
  if (!c2_mul((size_t)batch->length, columns, &values) || !c2_add(r->values, values, &r->values) ||
      r->values > r->options.most_values) {
    return refuse(r, EFBIG, "expected at most %zu values (rows times columns, and two for each row)",
                  r->options.most_values);
  }
  return 0;
}

/* ---- The C stream ---------------------------------------------------------------------------- */

static int get_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out) {
  reading *r = stream->private_data;
  return ArrowSchemaDeepCopy(&r->schema, out);
}

static int get_next(struct ArrowArrayStream *stream, struct ArrowArray *out) {
  reading *r = stream->private_data;
  struct ArrowBufferView body;
  out->release = NULL;
  for (r->error.message[0] = '\0'; !r->has_ended;) {
    int code = next_message(r, &body);
    if (code != 0 || r->has_ended) return code;
    if (r->decoder.message_type == NANOARROW_IPC_MESSAGE_TYPE_DICTIONARY_BATCH) {
      code = ArrowIpcDecoderDecodeDictionary(&r->decoder, body, NANOARROW_VALIDATION_LEVEL_FULL, &r->dictionaries,
                                             &r->error);
      if (code != 0) return code;
      continue;
    }
    if (r->decoder.message_type != NANOARROW_IPC_MESSAGE_TYPE_RECORD_BATCH) {
      return refuse(r, EINVAL, "expected record batches and dictionaries behind the schema");
    }
    code = ArrowIpcDecoderDecodeArrayWithDictionaries(&r->decoder, body, -1, &r->dictionaries, out,
                                                      NANOARROW_VALIDATION_LEVEL_FULL, &r->error);
    if (code == 0) code = count_batch(r, out);
    if (code != 0 && out->release) out->release(out);
    return code;
  }
  return 0;
}

static const char *get_last_error(struct ArrowArrayStream *stream) {
  reading *r = stream->private_data;
  c2_text_escape(r->text, sizeof r->text, r->error.message);
  return r->text;
}

static void release(struct ArrowArrayStream *stream) {
  reading *r = stream->private_data;
  if (r->dictionaries.private_data) ArrowIpcDictionariesReset(&r->dictionaries);
  ArrowIpcDictionaryEncodingsReset(&r->encodings);
  ArrowIpcDecoderReset(&r->decoder);
  if (r->schema.release) r->schema.release(&r->schema);
  free(r);
  stream->release = NULL;
}

c2_status c2_ipc_open(struct ArrowArrayStream *out, const void *bytes, size_t size, const c2_ipc_options *options,
                      c2_error *err) {
  reading *r = NULL;
  out->release = NULL;
  if (!c2_ipc_recognised(bytes, size)) {
    C2_FAIL(err, C2_ERR_FORMAT, "expected Arrow's IPC format, a file or a stream, found something else");
  }
  C2_TRY(c2_alloc_array(1, sizeof *r, &r, err));
  *r = (reading){.bytes = bytes, .size = size, .options = *options};
  r->is_file = r->bytes[0] == 'A';
  r->at = r->is_file ? 8 : 0;
  ArrowIpcDictionaryEncodingsInit(&r->encodings);
  if (ArrowIpcDecoderInit(&r->decoder) != 0) {
    free(r);
    C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a decoder of Arrow");
  }
  *out = (struct ArrowArrayStream){get_schema, get_next, get_last_error, release, r};
  int code = read_schema(r);
  if (code == 0) return C2_OK;
  (void)c2_fail(err, c2_ipc_status(code), "%s%s", r->error.message[0] ? get_last_error(out) : strerror(code),
                strstr(r->error.message, "View not yet") ? POLARS : "");
  release(out);
  return err->code;
}

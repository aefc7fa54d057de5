/* Arrow's IPC format by nanoarrow: writing. */
#include <errno.h>
#include <nanoarrow/nanoarrow.h>
#include <nanoarrow/nanoarrow_ipc.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "data/ipc.h"

struct c2_ipc_writer {
  struct ArrowIpcWriter writer;
  struct ArrowSchema schema;
  struct ArrowArrayView view;
  struct ArrowError error;
  bool is_file;
};

static c2_status fail(int code, const struct ArrowError *error, c2_error *err) {
  C2_FAIL(err, c2_ipc_status(code), "cannot write Arrow: %s", error->message[0] ? error->message : strerror(code));
}

static int start(struct ArrowIpcWriter *writer, bool is_file, FILE *out, struct ArrowError *error) {
  struct ArrowIpcOutputStream stream;
  int code = ArrowIpcOutputStreamInitFile(&stream, out, 0);
  if (code != 0) return code;
  code = ArrowIpcWriterInit(writer, &stream);
  if (code != 0) {
    stream.release(&stream);
    return code;
  }
  code = is_file ? ArrowIpcWriterStartFile(writer, error) : 0;
  if (code != 0) ArrowIpcWriterReset(writer);
  return code;
}

static int make_schema(struct ArrowSchema *schema, const char *const *names, const char *const *formats, size_t count) {
  ArrowSchemaInit(schema);
  int code = ArrowSchemaSetTypeStruct(schema, (int64_t)count);
  for (size_t i = 0; code == 0 && i < count; i++) {
    code = ArrowSchemaSetFormat(schema->children[i], formats[i]);
    if (code == 0) code = ArrowSchemaSetName(schema->children[i], names[i]);
  }
  return code;
}

c2_status c2_ipc_writer_open(c2_ipc_writer **out, const char *const *names, const char *const *formats, size_t columns,
                             bool is_file, FILE *file, c2_error *err) {
  c2_ipc_writer *w = NULL;
  *out = NULL;
  C2_TRY(c2_alloc_array(1, sizeof *w, &w, err));
  w->is_file = is_file;
  int code = start(&w->writer, is_file, file, &w->error);
  if (code != 0) {
    c2_status status = fail(code, &w->error, err);
    free(w);
    return status;
  }
  *out = w;
  ArrowArrayViewInitFromType(&w->view, NANOARROW_TYPE_UNINITIALIZED);
  code = make_schema(&w->schema, names, formats, columns);
  if (code == 0) code = ArrowArrayViewInitFromSchema(&w->view, &w->schema, &w->error);
  if (code == 0) code = ArrowIpcWriterWriteSchema(&w->writer, &w->schema, &w->error);
  return code == 0 ? C2_OK : fail(code, &w->error, err);
}

/* is_whole: texts spell whole numbers. */
static int append_column(struct ArrowArray *array, const c2_column *c, size_t rows, bool is_whole) {
  int code = 0;
  for (size_t i = 0; code == 0 && i < rows; i++) {
    if (!c2_column_has(c, i) || (c->type == C2_COLUMN_NUMBER && isnan(c->number[i]))) {
      code = ArrowArrayAppendNull(array, 1);
    } else if (c->type == C2_COLUMN_TEXT && is_whole) {
      code = ArrowArrayAppendInt(array, strtoll(c->word[c->code[i]], NULL, 10));
    } else if (c->type == C2_COLUMN_TEXT) {
      code = ArrowArrayAppendString(array, ArrowCharView(c->word[c->code[i]]));
    } else if (c->type == C2_COLUMN_NUMBER) {
      code = ArrowArrayAppendDouble(array, c->number[i]);
    } else {
      bool has_offset = c->type == C2_COLUMN_TIME && c->zone && c->zone[i] > C2_WHOLE_NUMBER;
      code = ArrowArrayAppendInt(array, c->integer[i] - (has_offset ? c->zone[i] * INT64_C(60000000) : 0));
    }
  }
  return code;
}

static int append_frame(c2_ipc_writer *w, const c2_frame *frame, struct ArrowArray *array) {
  int code = ArrowArrayInitFromSchema(array, &w->schema, &w->error);
  if (code == 0) code = ArrowArrayStartAppending(array);
  for (size_t k = 0; code == 0 && k < frame->columns; k++) {
    bool is_whole = w->view.children[k]->storage_type == NANOARROW_TYPE_INT64;
    code = append_column(array->children[k], &frame->column[k], frame->rows, is_whole);
  }
  array->length = (int64_t)frame->rows;
  if (code == 0) code = ArrowArrayFinishBuildingDefault(array, &w->error);
  if (code == 0) code = ArrowArrayViewSetArray(&w->view, array, &w->error);
  return code == 0 ? ArrowIpcWriterWriteArrayView(&w->writer, &w->view, &w->error) : code;
}

c2_status c2_ipc_writer_put(c2_ipc_writer *w, const c2_frame *frame, c2_error *err) {
  struct ArrowArray array = {.release = NULL};
  int code = append_frame(w, frame, &array);
  if (array.release) array.release(&array);
  return code == 0 ? C2_OK : fail(code, &w->error, err);
}

c2_status c2_ipc_writer_finish(c2_ipc_writer *w, c2_error *err) {
  int code = ArrowIpcWriterWriteArrayView(&w->writer, NULL, &w->error);
  if (code == 0 && w->is_file) code = ArrowIpcWriterFinalizeFile(&w->writer, &w->error);
  return code == 0 ? C2_OK : fail(code, &w->error, err);
}

void c2_ipc_writer_close(c2_ipc_writer **writer) {
  c2_ipc_writer *w = *writer;
  if (!w) return;
  ArrowArrayViewReset(&w->view);
  if (w->schema.release) w->schema.release(&w->schema);
  ArrowIpcWriterReset(&w->writer);
  free(w);
  *writer = NULL;
}

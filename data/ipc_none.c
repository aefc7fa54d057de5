/* The program without nanoarrow. */
#include "data/ipc.h"

bool c2_ipc_available(const char **how) {
  *how = "Arrow is read and written by nanoarrow, which this program was built without: run scripts/setup.sh arrow, "
         "then make";
  return false;
}

c2_status c2_ipc_open(struct ArrowArrayStream *out, const void *bytes, size_t size, const c2_ipc_options *options,
                      c2_error *err) {
  const char *how = NULL;
  (void)bytes;
  (void)size;
  (void)options;
  out->release = NULL;
  (void)c2_ipc_available(&how);
  C2_FAIL(err, C2_ERR_UNSUPPORTED, "%s", how);
}

c2_status c2_ipc_writer_open(c2_ipc_writer **writer, const char *const *names, const char *const *formats,
                             size_t columns, bool is_file, FILE *out, c2_error *err) {
  const char *how = NULL;
  (void)names;
  (void)formats;
  (void)columns;
  (void)is_file;
  (void)out;
  *writer = NULL;
  (void)c2_ipc_available(&how);
  C2_FAIL(err, C2_ERR_UNSUPPORTED, "%s", how);
}

c2_status c2_ipc_writer_put(c2_ipc_writer *writer, const c2_frame *frame, c2_error *err) {
  (void)writer;
  (void)frame;
  return c2_fail(err, C2_ERR_UNSUPPORTED, "there is no writer");
}

c2_status c2_ipc_writer_finish(c2_ipc_writer *writer, c2_error *err) {
  (void)writer;
  return c2_fail(err, C2_ERR_UNSUPPORTED, "there is no writer");
}

void c2_ipc_writer_close(c2_ipc_writer **writer) {
  *writer = NULL;
}

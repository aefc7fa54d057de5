/* Each codec fills the text piece by piece until its stream and the file end together. */
#include "data/compressed.h"

#include <stdlib.h>

#include "base/infile.h"
#include "base/memory.h"
#include "base/text.h"

#ifdef C2_WITH_ZLIB
#include <zlib.h>
#endif
#ifdef C2_WITH_ZSTD
#include <zstd.h>
#endif

typedef struct unpacking {
  const char *path;
  const char *from; /* the file's bytes: [size] */
  size_t size, at;  /* bytes, and those that are read */
  char *text;
  size_t used, room;
} unpacking;

bool c2_is_compressed(const char *path) {
  return c2_text_ends(path, ".gz") || c2_text_ends(path, ".zst");
}

#if !defined(C2_WITH_ZLIB) || !defined(C2_WITH_ZSTD)
static c2_status fail_without(const unpacking *u, const char *library, c2_error *err) {
  C2_FAIL(err, C2_ERR_UNSUPPORTED, "%s: this program was built without %s; 'scripts/setup.sh build' brings it", u->path,
          library);
}
#endif

#if defined(C2_WITH_ZLIB) || defined(C2_WITH_ZSTD)
enum { LEAST_ROOM = 1 << 16 };

static c2_status make_room(unpacking *u, c2_error *err) {
  if (u->room - u->used >= LEAST_ROOM) return C2_OK;
  return c2_grow_array(&u->text, &u->room, u->used + LEAST_ROOM, 1, err);
}

static c2_status fail_damaged(const unpacking *u, const char *codec, const char *why, c2_error *err) {
  C2_FAIL(err, C2_ERR_FORMAT, "%s: damaged %s data: %s", u->path, codec, why);
}
#endif

#ifdef C2_WITH_ZLIB
/* Members follow each other; zeros between and behind them fill blocks of tapes. */
static c2_status gunzip(unpacking *u, c2_error *err) {
  enum { GZIP = 16, MOST = 1 << 30 }; /* zlib counts in unsigned int */
  z_stream z = {.next_in = Z_NULL};
  int code = inflateInit2(&z, GZIP + MAX_WBITS);
  c2_status status = C2_OK;
  if (code != Z_OK) C2_FAIL(err, C2_ERR_MEMORY, "%s: cannot start zlib", u->path);
  do {
    C2_GOTO(make_room(u, err));
    uInt in = (uInt)c2_min_size(u->size - u->at, MOST);
    uInt out = (uInt)c2_min_size(u->room - u->used, MOST);
    z.next_in = (Bytef *)(uintptr_t)(u->from + u->at);
    z.next_out = (Bytef *)u->text + u->used;
    z.avail_in = in;
    z.avail_out = out;
    code = inflate(&z, Z_NO_FLUSH);
    u->at += in - z.avail_in;
    u->used += out - z.avail_out;
    while (code == Z_STREAM_END && u->at < u->size && u->from[u->at] == 0) u->at++;
    if (code == Z_STREAM_END && u->at < u->size) code = inflateReset(&z);
  } while (code == Z_OK);
  if (code == Z_BUF_ERROR) C2_GOTO(fail_damaged(u, "gzip", "it is cut off", err));
  if (code == Z_MEM_ERROR) C2_GOTO(c2_fail(err, C2_ERR_MEMORY, "%s: no memory for zlib", u->path));
  if (code != Z_STREAM_END) C2_GOTO(fail_damaged(u, "gzip", z.msg ? z.msg : "zlib can't read it", err));
fail:
  (void)inflateEnd(&z);
  return status;
}
#else
static c2_status gunzip(unpacking *u, c2_error *err) {
  return fail_without(u, "zlib", err);
}
#endif

#ifdef C2_WITH_ZSTD
/* Frames follow each other. */
static c2_status unzstd(unpacking *u, c2_error *err) {
  ZSTD_inBuffer in = {u->from, u->size, 0};
  ZSTD_DStream *stream = ZSTD_createDStream();
  size_t left = 1; /* 0: a frame has ended */
  bool full = false;
  c2_status status = C2_OK;
  if (!stream) C2_FAIL(err, C2_ERR_MEMORY, "%s: cannot start Zstandard", u->path);
  while (in.pos < in.size || full) {
    C2_GOTO(make_room(u, err));
    ZSTD_outBuffer out = {u->text, u->room, u->used};
    left = ZSTD_decompressStream(stream, &out, &in);
    if (ZSTD_isError(left)) C2_GOTO(fail_damaged(u, "Zstandard", ZSTD_getErrorName(left), err));
    u->used = out.pos;
    full = left > 0 && out.pos == out.size;
  }
  if (left > 0) C2_GOTO(fail_damaged(u, "Zstandard", "it is cut off", err));
fail:
  (void)ZSTD_freeDStream(stream);
  return status;
}
#else
static c2_status unzstd(unpacking *u, c2_error *err) {
  return fail_without(u, "libzstd", err);
}
#endif

c2_status c2_read_compressed(const char *path, char **text, size_t *size, c2_error *err) {
  unpacking u = {.path = path};
  char *file = NULL;
  C2_TRY(c2_read_file(path, &file, &u.size, err));
  u.from = file;
  c2_status status = c2_text_ends(path, ".gz") ? gunzip(&u, err) : unzstd(&u, err);
  if (status == C2_OK) status = c2_grow_array(&u.text, &u.room, u.used + 1, 1, err);
  free(file);
  if (status != C2_OK) {
    free(u.text);
    return status;
  }
  u.text[u.used] = '\0';
  *text = u.text;
  *size = u.used;
  return C2_OK;
}

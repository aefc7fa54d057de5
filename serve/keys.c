/* API keys. */
#include "serve/keys.h"

#include <stdlib.h>
#include <string.h>

#include "base/infile.h"
#include "base/memory.h"
#include "base/sha.h"

static void make_digest(const char *key, size_t size, unsigned char out[64]) {
  char text[C2_SHA_ROOM];
  c2_sha sha;
  c2_sha_begin(&sha, C2_SHA256);
  c2_sha_add(&sha, key, size);
  c2_sha_end(&sha, text);
  memcpy(out, text, 64);
}

static c2_status read_lines(c2_api_keys *keys, const char *path, const char *text, c2_error *err) {
  size_t capacity = 0;
  size_t line = 1;
  for (const char *at = text; *at; line++) {
    size_t size = strcspn(at, "\n");
    size_t kept = size > 0 && at[size - 1] == '\r' ? size - 1 : size;
    if (kept > 0 && *at != '#') {
      if (kept < C2_KEY_LEAST || kept > C2_KEY_MOST || strcspn(at, " \t\r\n") < kept) {
        C2_FAIL(err, C2_ERR_FORMAT, "%s:%zu: expected a key of %d to %d characters without blanks", path, line,
                C2_KEY_LEAST, C2_KEY_MOST);
      }
      C2_TRY(c2_grow_array(&keys->digest, &capacity, keys->count + 1, sizeof *keys->digest, err));
      make_digest(at, kept, keys->digest[keys->count++]);
    }
    at += size + (at[size] == '\n');
  }
  return keys->count > 0 ? C2_OK : c2_fail(err, C2_ERR_FORMAT, "%s: expected at least one key", path);
}

c2_status c2_api_keys_read(c2_api_keys *keys, const char *path, c2_error *err) {
  char *text = NULL;
  size_t size = 0;
  C2_TRY(c2_read_config(path, &text, &size, err));
  c2_status status = memchr(text, '\0', size) ? c2_fail(err, C2_ERR_FORMAT, "%s: expected text", path)
                                              : read_lines(keys, path, text, err);
  memset(text, 0, size);
  free(text);
  return status;
}

bool c2_api_keys_allow(const c2_api_keys *keys, const char *key) {
  unsigned char given[64];
  unsigned found = 0;
  if (keys->count == 0) return true;
  if (!key) return false;
  key += strspn(key, " \t"); /* blanks around a header's value are no part of it */
  size_t size = strlen(key);
  while (size > 0 && strchr(" \t", key[size - 1])) size--;
  make_digest(key, size, given);
  for (size_t k = 0; k < keys->count; k++) {
    unsigned differs = 0;
    for (size_t i = 0; i < sizeof given; i++) differs |= (unsigned)(given[i] ^ keys->digest[k][i]);
    found |= differs == 0;
  }
  return found != 0;
}

void c2_api_keys_free(c2_api_keys *keys) {
  free(keys->digest);
  memset(keys, 0, sizeof *keys);
}

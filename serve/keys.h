/* API keys: a file with one a line. Blank lines and those that begin with # don't count. */
#ifndef C2_SERVE_KEYS_H
#define C2_SERVE_KEYS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

enum { C2_KEY_LEAST = 16, C2_KEY_MOST = 256 }; /* characters of a key */

/* Digests of the keys. Zeroed at first: no key is asked for. */
typedef struct c2_api_keys {
  unsigned char (*digest)[64];
  size_t count;
} c2_api_keys;

c2_status c2_api_keys_read(c2_api_keys *keys, const char *path, c2_error *err);

/* Whether a key (NULL: none is given) is one of them, or none is asked for. The time that it takes doesn't depend on
 * how much of a key is right. */
bool c2_api_keys_allow(const c2_api_keys *keys, const char *key);

void c2_api_keys_free(c2_api_keys *keys);

#endif

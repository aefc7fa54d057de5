/* SHA-256 and SHA-1, FIPS 180-4: digests by which others name contents. SHA-1 is here because git names files by it; it
 * protects from damage, no longer from an attacker. */
#ifndef C2_BASE_SHA_H
#define C2_BASE_SHA_H

#include <stddef.h>
#include <stdint.h>

enum { C2_SHA_ROOM = 65 }; /* hexadecimal digits and a final zero, of either */

typedef enum c2_sha_kind { C2_SHA1, C2_SHA256 } c2_sha_kind;

typedef struct c2_sha {
  c2_sha_kind kind;
  uint32_t state[8]; /* SHA-1 has five */
  unsigned char rest[64];
  uint64_t total; /* bytes so far */
} c2_sha;

void c2_sha_begin(c2_sha *sha, c2_sha_kind kind);
void c2_sha_add(c2_sha *sha, const void *data, size_t size);

/* Writes the digest in lower-case hexadecimal digits. More can be added afterwards. */
void c2_sha_end(const c2_sha *sha, char out[C2_SHA_ROOM]);

#endif

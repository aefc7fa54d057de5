/* SHA-256, FIPS 180-4. */
#include "study/tasks/checksum.h"

#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/infile.h"
#include "base/memory.h"

static const uint32_t round_constant[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotate(uint32_t x, int n) {
  return (x >> n) | (x << (32 - n));
}

static void add_block(uint32_t state[8], const unsigned char *block) {
  uint32_t w[64];
  uint32_t s[8];
  for (size_t i = 0; i < 16; i++) {
    w[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 | (uint32_t)block[4 * i + 2] << 8 |
           (uint32_t)block[4 * i + 3];
  }
  for (size_t i = 16; i < 64; i++) {
    uint32_t a = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ (w[i - 15] >> 3);
    uint32_t b = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ (w[i - 2] >> 10);
    w[i] = w[i - 16] + a + w[i - 7] + b;
  }
  memcpy(s, state, sizeof s);
  for (size_t i = 0; i < 64; i++) {
    uint32_t e = rotate(s[4], 6) ^ rotate(s[4], 11) ^ rotate(s[4], 25);
    uint32_t one = s[7] + e + ((s[4] & s[5]) ^ (~s[4] & s[6])) + round_constant[i] + w[i];
    uint32_t a = rotate(s[0], 2) ^ rotate(s[0], 13) ^ rotate(s[0], 22);
    uint32_t two = a + ((s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]));
    memmove(s + 1, s, 7 * sizeof *s);
    s[4] += one;
    s[0] = one + two;
  }
  for (size_t i = 0; i < 8; i++) state[i] += s[i];
}

typedef struct sha256 {
  uint32_t state[8];
  unsigned char rest[64];
  uint64_t total; /* bytes so far */
} sha256;

static void begin(sha256 *s) {
  static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                    0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  *s = (sha256){.total = 0};
  memcpy(s->state, first, sizeof first);
}

static void add(sha256 *s, const unsigned char *data, size_t size) {
  while (size > 0) {
    size_t kept = s->total % 64;
    if (kept == 0 && size >= 64) {
      size_t whole = size / 64 * 64;
      for (size_t i = 0; i < whole; i += 64) add_block(s->state, data + i);
      s->total += whole;
      data += whole;
      size -= whole;
    } else {
      size_t part = c2_min_size(64 - kept, size);
      memcpy(s->rest + kept, data, part);
      if (kept + part == 64) add_block(s->state, s->rest);
      s->total += part;
      data += part;
      size -= part;
    }
  }
}

static void end(const sha256 *from, char out[C2_CHECKSUM_ROOM]) {
  sha256 s = *from;
  unsigned char bits[8];
  static const unsigned char padding[64] = {0x80};
  for (size_t i = 0; i < 8; i++) bits[7 - i] = (unsigned char)(from->total * 8 >> (8 * i));
  add(&s, padding, 1 + (64 + 55 - from->total % 64) % 64);
  add(&s, bits, 8);
  for (size_t i = 0; i < 8; i++) (void)snprintf(out + 8 * i, 9, "%08x", s.state[i]);
}

void c2_sha256(const unsigned char *data, size_t size, char out[C2_CHECKSUM_ROOM]) {
  sha256 s;
  begin(&s);
  add(&s, data, size);
  end(&s, out);
}

c2_status c2_sha256_file(const char *path, char out[C2_CHECKSUM_ROOM], c2_error *err) {
  enum { PIECE = 1 << 20 };
  c2_infile file;
  unsigned char *piece = NULL;
  sha256 s;
  begin(&s);
  c2_status status = C2_OK;
  C2_GOTO(c2_infile_open(&file, path, err));
  C2_GOTO(c2_alloc_array(PIECE, 1, &piece, err));
  for (size_t at = 0; at < file.size; at += PIECE) {
    size_t size = c2_min_size(PIECE, file.size - at);
    C2_GOTO(c2_infile_read(&file, at, size, piece, err));
    add(&s, piece, size);
  }
  C2_GOTO(c2_infile_check(&file, err));
  end(&s, out);
fail:
  free(piece);
  c2_infile_close(&file);
  return status;
}

static int is_model_file(const struct dirent *entry) {
  return strcmp(entry->d_name, "config.json") == 0 || strcmp(entry->d_name, "adapter_config.json") == 0 ||
         strstr(entry->d_name, ".safetensors") != NULL;
}

/* Bytewise, whatever the locale. */
static int by_name(const struct dirent **a, const struct dirent **b) {
  return strcmp((*a)->d_name, (*b)->d_name);
}

c2_status c2_sha256_folder(const char *folder, char out[C2_CHECKSUM_ROOM], c2_error *err) {
  struct dirent **entry = NULL;
  char *text = NULL;
  size_t size = 0;
  int count = scandir(folder, &entry, is_model_file, by_name);
  if (count < 0) C2_FAIL(err, C2_ERR_IO, "%s: cannot list the folder: %s", folder, strerror(errno));
  FILE *list = open_memstream(&text, &size);
  c2_status status = list ? C2_OK : c2_fail(err, C2_ERR_MEMORY, "cannot allocate a list of files");
  for (int i = 0; i < count; i++) {
    char path[4096];
    char sum[C2_CHECKSUM_ROOM];
    (void)snprintf(path, sizeof path, "%s/%s", folder, entry[i]->d_name);
    if (status == C2_OK) status = c2_sha256_file(path, sum, err);
    if (status == C2_OK) (void)fprintf(list, "%s  %s\n", sum, entry[i]->d_name);
    free(entry[i]);
  }
  free(entry);
  bool listed = list && fclose(list) == 0 && text;
  if (status == C2_OK && !listed) status = c2_fail(err, C2_ERR_MEMORY, "cannot allocate a list of files");
  if (status == C2_OK) c2_sha256((const unsigned char *)text, size, out);
  free(text);
  return status;
}

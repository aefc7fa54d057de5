/* The tile instructions of AMX that kernels/x86/amx_body.h uses, in plain C as the Intel SDM defines them: for its
 * arithmetic and indexing on machines without AMX. */
#ifndef C2_AMX_EMULATION_H
#define C2_AMX_EMULATION_H

#include <stdint.h>
#include <string.h>

typedef struct emulated_tile {
  uint32_t word[16][16];
} emulated_tile;

static struct {
  uint8_t palette;
  uint16_t row_bytes[16];
  uint8_t rows[16];
  emulated_tile tile[8];
} amx_state;

static void _tile_loadconfig(const void *config) {
  const uint8_t *bytes = config;
  memset(&amx_state, 0, sizeof amx_state);
  amx_state.palette = bytes[0];
  memcpy(amx_state.row_bytes, bytes + 16, sizeof amx_state.row_bytes);
  memcpy(amx_state.rows, bytes + 48, sizeof amx_state.rows);
}

static void _tile_release(void) {
  memset(&amx_state, 0, sizeof amx_state);
}

/* A tile that may be used; the processor faults where this fails. */
static emulated_tile *emulated(int tile) {
  assert_true(amx_state.palette == 1 && amx_state.rows[tile] >= 1 && amx_state.rows[tile] <= 16);
  assert_true(amx_state.row_bytes[tile] >= 4 && amx_state.row_bytes[tile] <= 64 && amx_state.row_bytes[tile] % 4 == 0);
  return &amx_state.tile[tile];
}

static void _tile_zero(int tile) {
  memset(emulated(tile), 0, sizeof(emulated_tile));
}

static void _tile_loadd(int tile, const void *base, size_t stride) {
  emulated_tile *t = emulated(tile);
  memset(t, 0, sizeof *t);
  for (size_t i = 0; i < amx_state.rows[tile]; i++) {
    memcpy(t->word[i], (const char *)base + i * stride, amx_state.row_bytes[tile]);
  }
}

static void _tile_stored(int tile, void *base, size_t stride) {
  const emulated_tile *t = emulated(tile);
  for (size_t i = 0; i < amx_state.rows[tile]; i++) {
    memcpy((char *)base + i * stride, t->word[i], amx_state.row_bytes[tile]);
  }
}

static float emulated_float(uint32_t bits) {
  float value = 0;
  memcpy(&value, &bits, sizeof value);
  return value;
}

/* Even and odd terms are summed apart, then together, then onto the destination. */
static void _tile_dpbf16ps(int to, int left, int right) {
  emulated_tile *c = emulated(to);
  const emulated_tile *a = emulated(left);
  const emulated_tile *b = emulated(right);
  for (size_t m = 0; m < amx_state.rows[to]; m++) {
    for (size_t n = 0; n < amx_state.row_bytes[to] / 4u; n++) {
      float even = 0;
      float odd = 0;
      for (size_t k = 0; k < amx_state.row_bytes[left] / 4u; k++) {
        even += emulated_float(a->word[m][k] << 16) * emulated_float(b->word[k][n] << 16);
        odd += emulated_float(a->word[m][k] & 0xffff0000u) * emulated_float(b->word[k][n] & 0xffff0000u);
      }
      float sum = emulated_float(c->word[m][n]) + (even + odd);
      memcpy(&c->word[m][n], &sum, sizeof sum);
    }
  }
}

/* Unsigned by signed bytes. */
static void _tile_dpbusd(int to, int left, int right) {
  emulated_tile *c = emulated(to);
  const emulated_tile *a = emulated(left);
  const emulated_tile *b = emulated(right);
  for (size_t m = 0; m < amx_state.rows[to]; m++) {
    for (size_t n = 0; n < amx_state.row_bytes[to] / 4u; n++) {
      for (size_t k = 0; k < amx_state.row_bytes[left] / 4u; k++) {
        const uint8_t *x = (const uint8_t *)&a->word[m][k];
        const int8_t *y = (const int8_t *)&b->word[k][n];
        int sum = x[0] * y[0] + x[1] * y[1] + x[2] * y[2] + x[3] * y[3];
        c->word[m][n] += (uint32_t)sum;
      }
    }
  }
}

#endif

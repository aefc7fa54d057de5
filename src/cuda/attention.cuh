/* Attention by tiles with the online softmax (Milakov and Gimelshein 2018; Dao et al. 2022): a block takes a tile of 64
 * queries of one row and one head, its four warps 16 queries each. Keys and values pass through shared memory, and no
 * score leaves the registers and the tile. A window's tile walks the keys that its queries see, nothing else: work is
 * O(S (2r + 64)) and memory O(S). There is no 1 / sqrt(K): the model has it in its weights. */
#ifndef C2_CUDA_ATTENTION_CUH
#define C2_CUDA_ATTENTION_CUH

#include "cuda/rows.cuh"

enum { ATTEND_THREADS = 128, PARTS = 3 }; /* parts of the keys: the past, and a span's two ranges */

/* Keys [from, to) of one part, and where they lie. */
template <class T> struct key_part {
  global<const T> k, v;
  global<const uint32_t> rows; /* k_row */
  bool listed;                 /* by rows */
  size_t stride, first;
  uint32_t from, to;
};

template <class T>
__device__ key_part<T> part_of(const c2_gpu_attend &a, const c2_gpu_tile &t, size_t column, int part) {
  key_part<T> p;
  bool past = part == 0;
  p.k = global<const T>((const T *)(past ? a.past_k : a.k)) + column;
  p.v = global<const T>((const T *)(past ? a.past_v : a.v)) + column;
  p.rows = a.k_row;
  p.listed = !past && a.k_row;
  p.stride = past ? a.past_stride : a.kv_stride;
  p.first = past ? t.past : t.key;
  p.from = part == 0 ? 0 : part == 1 ? t.span.first : t.span.first2;
  p.to = part == 0 ? t.past_count : part == 1 ? t.span.last : t.span.last2;
  return p;
}

/* Keys of a part that a query of the tile sees: [low, high). */
__device__ __forceinline__ void limits_of(const c2_gpu_attend &a, const c2_gpu_tile &t, bool blind, uint32_t query,
                                          int part, uint32_t *low, uint32_t *high) {
  *low = *high = 0;
  if (query >= t.queries) return;
  if (part == 0) {
    *high = t.past_count;
    return;
  }
  c2_gpu_visible seen = t.span;
  if (a.visible) seen = global<const c2_gpu_visible>(blind ? a.blind_visible : a.visible)[t.limit + query];
  *low = part == 1 ? seen.first : seen.first2;
  *high = part == 1 ? seen.last : seen.last2;
}

/* Rows [at, at + count) of a part's matrix on their way into shared memory, zeros behind its end. */
template <class T, int HEAD, int ROW>
__device__ void load_rows(shared<T> to, global<const T> from, const key_part<T> &p, uint32_t at, int count) {
  const int PER_ROW = HEAD * (int)sizeof(T) / 16;
  const int STEP = 16 / (int)sizeof(T);
  for (int i = (int)threadIdx.x; i < count * PER_ROW; i += ATTEND_THREADS) {
    uint32_t key = at + (uint32_t)(i / PER_ROW);
    size_t in = (size_t)(i / PER_ROW * ROW + i % PER_ROW * STEP);
    size_t row = p.first + (key < p.to ? key : at);
    if (p.listed) row = p.rows[row];
    copy16_async(to, in, from, row * p.stride + (size_t)(i % PER_ROW * STEP), key < p.to);
  }
}

__device__ __forceinline__ size_t query_row(const c2_gpu_attend &a, const c2_gpu_tile &t, uint32_t query) {
  size_t row = t.query + query;
  if (a.q_row) row = global<const uint32_t>(a.q_row)[row];
  return row;
}

__device__ __forceinline__ bool is_blind(const c2_gpu_attend &a, size_t head) {
  bool blind = false;
  if (a.blind) blind = global<const uint8_t>(a.blind)[head] != 0;
  return blind;
}

/* The running maximum and sum of one query, and the factor that corrects what was summed before. */
struct softmax_row {
  float maximum, sum;
};

__device__ __forceinline__ float take_maximum(softmax_row *r, float maximum) {
  float before = r->maximum;
  r->maximum = fmaxf(before, maximum);
  if (before == r->maximum) return 1.0f; /* also while nothing was seen */
  float correction = expf(before - r->maximum);
  r->sum *= correction;
  return correction;
}

/* ---- float32 ------------------------------------------------------------------------------------ */

/* Of a warp's 16 queries by KEYS keys, a lane has queries lane / 8 + 4 i and keys lane % 8 + 8 j; of the output, the
 * same queries and columns 4 (lane % 8) .. + 3 of each 32. */
template <int HEAD, int KEYS> struct float_tile {
  enum { ROW = HEAD + 4, P_ROW = KEYS + 1, COLUMNS = KEYS / 8, WIDE = HEAD / 32 };
  float out[4][4 * WIDE];
  softmax_row row[4];
};

template <int HEAD, int KEYS>
__device__ void float_scores(float (*s)[KEYS / 8], shared<float> q, shared<float> k, unsigned first) {
  typedef float_tile<HEAD, KEYS> tile;
  unsigned lane = threadIdx.x % 32;
  C2_UNROLL
  for (int i = 0; i < 4; i++) {
    C2_UNROLL
    for (int j = 0; j < tile::COLUMNS; j++) s[i][j] = 0.0f;
  }
  C2_UNROLL_FOUR
  for (int d = 0; d < HEAD; d += 4) {
    float4 key[tile::COLUMNS];
    C2_UNROLL
    for (int j = 0; j < tile::COLUMNS; j++) key[j] = load4(k, (size_t)((lane % 8 + 8 * j) * tile::ROW + d));
    C2_UNROLL
    for (int i = 0; i < 4; i++) {
      float4 query = load4(q, (size_t)((first + lane / 8 + 4 * i) * tile::ROW + d));
      C2_UNROLL
      for (int j = 0; j < tile::COLUMNS; j++) {
        s[i][j] += query.x * key[j].x + query.y * key[j].y + query.z * key[j].z + query.w * key[j].w;
      }
    }
  }
}

/* Scores into weights, in shared memory for the warp's other lanes; what was summed before is corrected. */
template <int HEAD, int KEYS>
__device__ void float_weights(float_tile<HEAD, KEYS> *t, float (*s)[KEYS / 8], shared<float> p, const uint32_t *low,
                              const uint32_t *high, uint32_t at, unsigned first) {
  typedef float_tile<HEAD, KEYS> tile;
  unsigned lane = threadIdx.x % 32;
  C2_UNROLL
  for (int i = 0; i < 4; i++) {
    float maximum = -C2_INFINITY;
    C2_UNROLL
    for (int j = 0; j < tile::COLUMNS; j++) {
      uint32_t key = at + lane % 8 + 8 * (uint32_t)j;
      if (key < low[i] || key >= high[i]) s[i][j] = -C2_INFINITY;
      maximum = fmaxf(maximum, s[i][j]);
    }
    float correction = take_maximum(&t->row[i], largest_of(maximum, 8));
    C2_UNROLL
    for (int n = 0; n < 4 * tile::WIDE; n++) t->out[i][n] *= correction;
    C2_UNROLL
    for (int j = 0; j < tile::COLUMNS; j++) {
      float weight = s[i][j] == -C2_INFINITY ? 0.0f : expf(s[i][j] - t->row[i].maximum);
      t->row[i].sum += weight;
      p[(size_t)((first + lane / 8 + 4 * i) * tile::P_ROW + lane % 8 + 8 * j)] = weight;
    }
  }
}

template <int HEAD, int KEYS>
__device__ void float_values(float_tile<HEAD, KEYS> *t, shared<float> p, shared<float> v, unsigned first) {
  typedef float_tile<HEAD, KEYS> tile;
  unsigned lane = threadIdx.x % 32;
  C2_UNROLL_FOUR
  for (int key = 0; key < KEYS; key++) {
    float weight[4];
    C2_UNROLL
    for (int i = 0; i < 4; i++) weight[i] = p[(size_t)((first + lane / 8 + 4 * i) * tile::P_ROW + key)];
    C2_UNROLL
    for (int w = 0; w < tile::WIDE; w++) {
      float4 value = load4(v, (size_t)(key * HEAD + 32 * w + 4 * (lane % 8)));
      C2_UNROLL
      for (int i = 0; i < 4; i++) {
        t->out[i][4 * w] += weight[i] * value.x;
        t->out[i][4 * w + 1] += weight[i] * value.y;
        t->out[i][4 * w + 2] += weight[i] * value.z;
        t->out[i][4 * w + 3] += weight[i] * value.w;
      }
    }
  }
}

template <int HEAD, int KEYS>
__device__ void float_finish(const c2_gpu_attend &a, const c2_gpu_tile &t, const float_tile<HEAD, KEYS> &f,
                             size_t column, unsigned first) {
  typedef float_tile<HEAD, KEYS> tile;
  unsigned lane = threadIdx.x % 32;
  C2_UNROLL
  for (int i = 0; i < 4; i++) {
    uint32_t query = first + lane / 8 + 4 * (uint32_t)i;
    float inverse = 1.0f / sum_over(f.row[i].sum, 8);
    if (query >= t.queries) continue;
    global<float> out = global<float>((float *)a.out) + query_row(a, t, query) * a.out_stride + column;
    C2_UNROLL
    for (int w = 0; w < tile::WIDE; w++) {
      float4 value;
      value.x = f.out[i][4 * w] * inverse;
      value.y = f.out[i][4 * w + 1] * inverse;
      value.z = f.out[i][4 * w + 2] * inverse;
      value.w = f.out[i][4 * w + 3] * inverse;
      store4(out, 32 * (size_t)w + 4 * (lane % 8), value);
    }
  }
}

template <int HEAD, int KEYS> __global__ void __launch_bounds__(ATTEND_THREADS, 1) attend_float_kernel(c2_gpu_attend a) {
  typedef float_tile<HEAD, KEYS> tile;
  C2_SHARED(float, q, C2_TILE_QUERIES * tile::ROW);
  C2_SHARED(float, k, KEYS * tile::ROW);
  C2_SHARED(float, v, KEYS * HEAD);
  C2_SHARED(float, p, C2_TILE_QUERIES * tile::P_ROW);
  c2_gpu_tile t = global<const c2_gpu_tile>(a.tile)[blockIdx.x];
  size_t column = (size_t)blockIdx.y * HEAD;
  bool blind = is_blind(a, blockIdx.y);
  unsigned first = threadIdx.x / 32 * 16;
  tile f;
  C2_UNROLL
  for (int i = 0; i < 4; i++) {
    f.row[i].maximum = -C2_INFINITY;
    f.row[i].sum = 0.0f;
    C2_UNROLL
    for (int n = 0; n < 4 * tile::WIDE; n++) f.out[i][n] = 0.0f;
  }
  for (uint32_t i = threadIdx.x; i < C2_TILE_QUERIES * HEAD / 4; i += ATTEND_THREADS) {
    uint32_t query = i / (HEAD / 4);
    size_t in = query * (size_t)tile::ROW + i % (HEAD / 4) * 4;
    size_t row = query_row(a, t, query < t.queries ? query : 0);
    copy16_async(q, in, global<const float>((const float *)a.q) + column, row * a.q_stride + i % (HEAD / 4) * 4,
                 query < t.queries);
  }
  for (int part = 0; part < PARTS; part++) {
    key_part<float> keys = part_of<float>(a, t, column, part);
    uint32_t low[4];
    uint32_t high[4];
    for (int i = 0; i < 4; i++) {
      limits_of(a, t, blind, first + threadIdx.x % 32 / 8 + 4 * (uint32_t)i, part, &low[i], &high[i]);
    }
    for (uint32_t at = keys.from; at < keys.to; at += KEYS) {
      __syncthreads();
      load_rows<float, HEAD, tile::ROW>(k, keys.k, keys, at, KEYS);
      load_rows<float, HEAD, HEAD>(v, keys.v, keys, at, KEYS);
      wait_for_copies();
      __syncthreads();
      bool sees = false;
      for (int i = 0; i < 4; i++) sees = sees || (low[i] < at + KEYS && high[i] > at && low[i] < high[i]);
      if (!C2_ANY(sees)) continue;
      float s[4][tile::COLUMNS];
      float_scores<HEAD, KEYS>(s, q, k, first);
      float_weights<HEAD, KEYS>(&f, s, p, low, high, at, first);
      __syncwarp();
      float_values<HEAD, KEYS>(&f, p, v, first);
    }
  }
  float_finish<HEAD, KEYS>(a, t, f, column, first);
}

/* ---- bf16 --------------------------------------------------------------------------------------- */

/* Products by mma.sync.m16n8k16: of a warp's 16 queries a lane has lane / 4 and lane / 4 + 8, of eight keys or columns
 * 2 (lane % 4) and the next. Weights are rounded to bf16 before they meet the values; sums are float32. */
template <int HEAD> struct bf16_tile {
  enum { ROW = HEAD + 8, STEPS = HEAD / 16, KEYS = HEAD > 64 ? 32 : 64, GROUPS = KEYS / 16, BLOCK = KEYS * ROW };
  uint32_t q[STEPS][4];
  float out[2 * STEPS][4];
  softmax_row row[2];
};

template <int HEAD>
__device__ void bf16_queries(bf16_tile<HEAD> *f, const c2_gpu_attend &a, const c2_gpu_tile &t, size_t column,
                             unsigned first) {
  unsigned lane = threadIdx.x % 32;
  C2_UNROLL
  for (int half = 0; half < 2; half++) {
    uint32_t query = first + lane / 4 + 8 * (uint32_t)half;
    bool there = query < t.queries;
    global<const bf16> from = global<const bf16>((const bf16 *)a.q) + column;
    size_t at = there ? query_row(a, t, query) * a.q_stride + lane % 4 * 2 : 0;
    C2_UNROLL
    for (int step = 0; step < bf16_tile<HEAD>::STEPS; step++) {
      f->q[step][half] = there ? load_pair(from, at + 16 * (size_t)step) : 0;
      f->q[step][half + 2] = there ? load_pair(from, at + 16 * (size_t)step + 8) : 0;
    }
  }
}

/* Scores of 16 keys from key `first` of the block on: two tiles of 8. */
template <int HEAD> __device__ void bf16_scores(float (*s)[4], const bf16_tile<HEAD> &f, shared<bf16> k, int first) {
  unsigned lane = threadIdx.x % 32;
  C2_UNROLL
  for (int n = 0; n < 4; n++) s[0][n] = s[1][n] = 0.0f;
  C2_UNROLL
  for (int step = 0; step < bf16_tile<HEAD>::STEPS; step++) {
    uint32_t b[4]; /* keys first .. + 7 by 16 columns, then keys + 8 .. + 15 */
    unsigned key = (unsigned)first + lane / 16 * 8 + lane % 8;
    load_matrices(b, k, (size_t)(key * bf16_tile<HEAD>::ROW + 16 * step + lane / 8 % 2 * 8));
    mma_bf16(s[0], f.q[step], b);
    mma_bf16(s[1], f.q[step], b + 2);
  }
}

template <int HEAD> __device__ void bf16_values(bf16_tile<HEAD> *f, const float (*s)[4], shared<bf16> v, int first) {
  unsigned lane = threadIdx.x % 32;
  const uint32_t weights[4] = {pack(s[0][0], s[0][1]), pack(s[0][2], s[0][3]), pack(s[1][0], s[1][1]),
                               pack(s[1][2], s[1][3])};
  C2_UNROLL
  for (int step = 0; step < bf16_tile<HEAD>::STEPS; step++) {
    uint32_t b[4]; /* 16 keys by columns 16 step .. + 7, then by columns + 8 .. + 15 */
    unsigned key = (unsigned)first + lane / 8 % 2 * 8 + lane % 8;
    load_matrices_transposed(b, v, (size_t)(key * bf16_tile<HEAD>::ROW + 16 * step + lane / 16 * 8));
    mma_bf16(f->out[2 * step], weights, b);
    mma_bf16(f->out[2 * step + 1], weights, b + 2);
  }
}

/* Makes weights of a block's scores, masked unless the warp sees it whole; what was summed before is corrected. */
template <int HEAD>
__device__ void bf16_weights(bf16_tile<HEAD> *f, float (*s)[4], const uint32_t *low, const uint32_t *high,
                             uint32_t at) {
  typedef bf16_tile<HEAD> tile;
  const float LOG2_E = 1.44269504f;
  unsigned lane = threadIdx.x % 32;
  bool whole = low[0] <= at && low[1] <= at && high[0] >= at + tile::KEYS && high[1] >= at + tile::KEYS;
  if (C2_ANY(!whole)) {
    C2_UNROLL
    for (int n = 0; n < 8 * tile::GROUPS; n++) { /* tile n / 4, half n / 2 % 2, neighbour n % 2 */
      uint32_t key = at + 8 * (uint32_t)(n / 4) + lane % 4 * 2 + (uint32_t)(n % 2);
      if (key < low[n / 2 % 2] || key >= high[n / 2 % 2]) s[n / 4][n % 4] = -C2_INFINITY;
    }
  }
  C2_UNROLL
  for (int half = 0; half < 2; half++) {
    float maximum = -C2_INFINITY;
    C2_UNROLL
    for (int n = 0; n < 4 * tile::GROUPS; n++) maximum = fmaxf(maximum, s[n / 2][2 * half + n % 2]);
    float correction = take_maximum(&f->row[half], largest_of(maximum, 4));
    C2_UNROLL
    for (int n = 0; n < 2 * tile::STEPS; n++) {
      f->out[n][2 * half] *= correction;
      f->out[n][2 * half + 1] *= correction;
    }
    float top = f->row[half].maximum == -C2_INFINITY ? 0.0f : f->row[half].maximum * LOG2_E; /* else NaN */
    C2_UNROLL
    for (int n = 0; n < 4 * tile::GROUPS; n++) {
      float *score = &s[n / 2][2 * half + n % 2];
      *score = C2_FAST_EXP2(fmaf(*score, LOG2_E, -top));
      f->row[half].sum += *score;
    }
  }
}

template <int HEAD>
__device__ void bf16_finish(const c2_gpu_attend &a, const c2_gpu_tile &t, const bf16_tile<HEAD> &f, size_t column,
                            unsigned first) {
  unsigned lane = threadIdx.x % 32;
  C2_UNROLL
  for (int half = 0; half < 2; half++) {
    uint32_t query = first + lane / 4 + 8 * (uint32_t)half;
    float inverse = 1.0f / sum_over(f.row[half].sum, 4);
    if (query >= t.queries) continue;
    global<bf16> out = global<bf16>((bf16 *)a.out) + query_row(a, t, query) * a.out_stride + column;
    C2_UNROLL
    for (int n = 0; n < 2 * bf16_tile<HEAD>::STEPS; n++) {
      store_pair(out, 8 * (size_t)n + lane % 4 * 2, f.out[n][2 * half] * inverse, f.out[n][2 * half + 1] * inverse);
    }
  }
}

/* One block of keys, in shared memory already. */
template <int HEAD>
__device__ void bf16_step(bf16_tile<HEAD> *f, shared<bf16> k, shared<bf16> v, const uint32_t *low, const uint32_t *high,
                          uint32_t at) {
  typedef bf16_tile<HEAD> tile;
  float s[2 * tile::GROUPS][4];
  bool live[tile::GROUPS];
  bool some = false;
  C2_UNROLL
  for (int g = 0; g < tile::GROUPS; g++) { /* sixteen keys that no query of the warp sees are left out */
    uint32_t from = at + 16 * (uint32_t)g;
    bool sees = (low[0] < from + 16 && high[0] > from && low[0] < high[0]) ||
                (low[1] < from + 16 && high[1] > from && low[1] < high[1]);
    live[g] = C2_ANY(sees);
    some = some || live[g];
    if (live[g]) {
      bf16_scores<HEAD>(s + 2 * g, *f, k, 16 * g);
    } else {
      for (int n = 0; n < 4; n++) s[2 * g][n] = s[2 * g + 1][n] = 0.0f;
    }
  }
  if (!some) return;
  bf16_weights<HEAD>(f, s, low, high, at);
  C2_UNROLL
  for (int g = 0; g < tile::GROUPS; g++) {
    if (live[g]) bf16_values<HEAD>(f, s + 2 * g, v, 16 * g);
  }
}

/* The next block of keys to come, one part after another. */
template <class T> struct key_walk {
  key_part<T> keys;
  uint32_t at;
  int part; /* PARTS: there is none */
};

template <class T>
__device__ __forceinline__ void find_block(key_walk<T> *w, const c2_gpu_attend &a, const c2_gpu_tile &t,
                                           size_t column) {
  while (w->at >= w->keys.to) {
    if (++w->part == PARTS) return;
    w->keys = part_of<T>(a, t, column, w->part);
    w->at = w->keys.from;
  }
}

template <int HEAD> __device__ void bf16_load(shared<bf16> k, shared<bf16> v, const key_walk<bf16> &w) {
  typedef bf16_tile<HEAD> tile;
  if (w.part == PARTS) return;
  load_rows<bf16, HEAD, tile::ROW>(k, w.keys.k, w.keys, w.at, tile::KEYS);
  load_rows<bf16, HEAD, tile::ROW>(v, w.keys.v, w.keys, w.at, tile::KEYS);
}

/* While a block of keys is worked on, the next one comes. */
template <int HEAD> __global__ void __launch_bounds__(ATTEND_THREADS, 1) attend_bf16_kernel(c2_gpu_attend a) {
  typedef bf16_tile<HEAD> tile;
  C2_SHARED(bf16, k, 2 * tile::BLOCK);
  C2_SHARED(bf16, v, 2 * tile::BLOCK);
  c2_gpu_tile t = global<const c2_gpu_tile>(a.tile)[blockIdx.x];
  size_t column = (size_t)blockIdx.y * HEAD;
  bool blind = is_blind(a, blockIdx.y);
  unsigned first = threadIdx.x / 32 * 16;
  tile f;
  C2_UNROLL
  for (int half = 0; half < 2; half++) {
    f.row[half].maximum = -C2_INFINITY;
    f.row[half].sum = 0.0f;
  }
  C2_UNROLL
  for (int n = 0; n < 2 * tile::STEPS; n++) f.out[n][0] = f.out[n][1] = f.out[n][2] = f.out[n][3] = 0.0f;
  bf16_queries<HEAD>(&f, a, t, column, first);
  key_walk<bf16> next = {part_of<bf16>(a, t, column, 0), 0, 0};
  uint32_t low[2];
  uint32_t high[2];
  int part = -1;   /* whose limits these are */
  int buffer = 0; /* which half of k and v the block is in */
  find_block(&next, a, t, column);
  bf16_load<HEAD>(k, v, next);
  while (next.part < PARTS) {
    uint32_t at = next.at;
    if (next.part != part) {
      part = next.part;
      for (int half = 0; half < 2; half++) {
        limits_of(a, t, blind, first + threadIdx.x % 32 / 4 + 8 * (uint32_t)half, part, &low[half], &high[half]);
      }
    }
    wait_for_copies();
    __syncthreads(); /* the block has come, and nobody reads the one before it, whose place the next one takes */
    next.at += tile::KEYS;
    find_block(&next, a, t, column);
    bf16_load<HEAD>(k + (size_t)((1 - buffer) * tile::BLOCK), v + (size_t)((1 - buffer) * tile::BLOCK), next);
    bf16_step<HEAD>(&f, k + (size_t)(buffer * tile::BLOCK), v + (size_t)(buffer * tile::BLOCK), low, high, at);
    buffer = 1 - buffer;
  }
  bf16_finish<HEAD>(a, t, f, column, first);
}

/* ---- Few keys ----------------------------------------------------------------------------------- */

/* A warp a seat and a head: a lane has a key while scores are made, and every 32nd column of the output. */
template <class T, int HEAD> __global__ void __launch_bounds__(ROW_THREADS, 2) attend_seats_kernel(c2_gpu_attend_seats a) {
  size_t number = thread_number() / 32;
  unsigned lane = threadIdx.x % 32;
  if (number >= a.seats * a.heads) return;
  c2_gpu_seat seat = global<const c2_gpu_seat>(a.seat)[number / a.heads];
  size_t column = number % a.heads * HEAD;
  global<const uint32_t> member = global<const uint32_t>(a.member) + seat.first;
  global<const T> q = global<const T>((const T *)a.q) + (size_t)seat.token * a.stride + column;
  global<const T> k = global<const T>((const T *)a.k) + column;
  global<const T> v = global<const T>((const T *)a.v) + column;
  softmax_row row = {-C2_INFINITY, 0.0f};
  float out[HEAD / 32];
  C2_UNROLL
  for (int n = 0; n < HEAD / 32; n++) out[n] = 0.0f;
  for (uint32_t at = 0; at < seat.count; at += 32) {
    float score = -C2_INFINITY;
    if (at + lane < seat.count) {
      uint32_t token = member[at + lane];
      score = 0.0f;
      C2_UNROLL_FOUR
      for (int d = 0; d < HEAD; d += 16 / (int)sizeof(T)) {
        float left[16 / sizeof(T)];
        float right[16 / sizeof(T)];
        load16(left, q, (size_t)d);
        load16(right, k, (size_t)token * a.stride + (size_t)d);
        C2_UNROLL
        for (int n = 0; n < 16 / (int)sizeof(T); n++) score += left[n] * right[n];
      }
    }
    float correction = take_maximum(&row, largest_of(score, 32));
    C2_UNROLL
    for (int n = 0; n < HEAD / 32; n++) out[n] *= correction;
    float weight = score == -C2_INFINITY ? 0.0f : expf(score - row.maximum);
    row.sum += weight;
    for (uint32_t i = 0; i < 32 && at + i < seat.count; i++) {
      float share = C2_SHUFFLE(weight, i);
      uint32_t token = member[at + i];
      C2_UNROLL
      for (int n = 0; n < HEAD / 32; n++) {
        out[n] += share * to_float((T)v[(size_t)token * a.stride + lane + 32 * (size_t)n]);
      }
    }
  }
  float inverse = 1.0f / sum_over(row.sum, 32);
  global<T> to = global<T>((T *)a.out) + (size_t)seat.token * a.out_stride + column;
  C2_UNROLL
  for (int n = 0; n < HEAD / 32; n++) to[lane + 32 * (size_t)n] = from_float<T>(out[n] * inverse);
}

#endif

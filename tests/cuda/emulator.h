/* A CUDA execution model on the host, with which the kernels of src/cuda compile as C++: blocks, warps of 32 threads,
 * shared memory, __syncthreads, warp shuffles and bf16 tiles (mma.sync.m16n8k16, ldmatrix). A thread is a fiber; blocks
 * run one after another and a block's threads take turns, both in an order drawn from a seed.
 *
 * A launch fails, and says where, when
 *  - an access lies outside its allocation or its shared array, is misaligned, or reads what was never written;
 *  - two threads of a block access one element of shared memory without a barrier between, and one of them writes;
 *  - two blocks of a launch access one element of global memory, and one of them writes;
 *  - threads of a block wait at different barriers, or some wait and others have left; the same within a warp. */
#ifndef TESTS_CUDA_EMULATOR_H
#define TESTS_CUDA_EMULATOR_H

#include <math.h>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>

struct dim3 {
  unsigned x, y, z;
  dim3(unsigned x_ = 1, unsigned y_ = 1, unsigned z_ = 1) : x(x_), y(y_), z(z_) {}
};

struct float4 {
  float x, y, z, w;
};

struct alignas(16) uint4 {
  uint32_t x, y, z, w;
};

extern dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace emulator {

enum { WARP = 32, MOST_THREADS = 256 };

/* Orders of the launches to come. */
void seed(uint64_t value);

/* Device memory: what is allocated is uninitialised until it is written. */
void *allocate(size_t bytes); /* NULL if memory is out */
void release(void *memory);
size_t allocated(); /* bytes, all together */
void mark_written(const void *memory, size_t bytes);
/* True if the bytes lie in one allocation. */
bool holds(const void *memory, size_t bytes);
/* True if each of these bytes, which lie in one, was written. */
bool written(const void *memory, size_t bytes);

/* Runs the kernel, a call with its arguments bound; NULL, or what was wrong. */
const char *run(dim3 grid, dim3 block, const std::function<void()> &kernel);

/* ---- What kernels are given instead of raw memory ----------------------------------------------- */

[[noreturn]] void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

struct block_stamps { /* of two bytes of global memory: who accessed it last, in which launch */
  uint64_t writer, reader;
};

struct allocation {
  unsigned char *base;
  size_t bytes;
  block_stamps *stamp; /* [bytes / 2 rounded up] */
};

const allocation *find(const void *memory);
void read_global(const allocation *from, const void *address, size_t bytes, size_t alignment);
void write_global(const allocation *to, const void *address, size_t bytes, size_t alignment);

struct shared_block;
shared_block *shared_at(const char *file, int line, size_t elements, size_t size);
void *read_shared(shared_block *block, size_t index);
void *write_shared(shared_block *block, size_t index);
/* Bytes that a copy brings when the thread waits for its copies; until then the element counts as never written. */
void bring_shared(shared_block *block, size_t index, const void *bytes);
void wait_copies();

template <class T> class pointer {
  T *at_;
  const allocation *in_;
  template <class U> friend class pointer;

 public:
  class reference {
    T *at_;
    const allocation *in_;

   public:
    reference(T *at, const allocation *in) : at_(at), in_(in) {}
    reference(const reference &) = default;
    operator T() const {
      read_global(in_, at_, sizeof(T), alignof(T));
      return *at_;
    }
    const reference &operator=(const T &value) const {
      write_global(in_, at_, sizeof(T), alignof(T));
      *at_ = value;
      return *this;
    }
    const reference &operator=(const reference &other) const { return *this = static_cast<T>(other); }
  };
  pointer(T *at = nullptr) : at_(at), in_(at ? find(at) : nullptr) {}
  template <class U> pointer(const pointer<U> &other) : at_(other.at_), in_(other.in_) {}
  reference operator[](size_t i) const { return reference(at_ + i, in_); }
  pointer operator+(size_t n) const {
    pointer moved = *this;
    moved.at_ += n;
    return moved;
  }
  explicit operator bool() const { return at_ != nullptr; }
  T *address(size_t i) const { return at_ + i; }
};

template <class T> class shared_array {
  shared_block *block_;
  size_t first_;

 public:
  class reference {
    shared_block *block_;
    size_t index_;

   public:
    reference(shared_block *block, size_t index) : block_(block), index_(index) {}
    reference(const reference &) = default;
    operator T() const { return *static_cast<T *>(read_shared(block_, index_)); }
    const reference &operator=(const T &value) const {
      *static_cast<T *>(write_shared(block_, index_)) = value;
      return *this;
    }
    const reference &operator=(const reference &other) const { return *this = static_cast<T>(other); }
  };
  shared_array(shared_block *block, size_t first) : block_(block), first_(first) {}
  reference operator[](size_t i) const { return reference(block_, first_ + i); }
  shared_array operator+(size_t n) const { return shared_array(block_, first_ + n); }
  size_t index(size_t i) const { return first_ + i; }
  void bring(size_t i, const T &value) const { bring_shared(block_, first_ + i, &value); }
};

void barrier(const char *file, int line);
void warp_barrier(const char *file, int line);

/* Waits until all lanes of the warp have come with a payload to the same place; the last one does the work. */
void meet(const char *file, int line, void *payload, void (*work)(void *const *payloads));

uint32_t shuffle(const char *file, int line, uint32_t value, unsigned source);
bool any(const char *file, int line, bool value);
void mma(const char *file, int line, float *c, const uint32_t *a, const uint32_t *b);
void matrices(const char *file, int line, uint32_t *r, const uint16_t *row, bool transposed);

inline float shuffle_float(const char *file, int line, float value, unsigned source) {
  uint32_t bits;
  memcpy(&bits, &value, sizeof bits);
  bits = shuffle(file, line, bits, source);
  memcpy(&value, &bits, sizeof bits);
  return value;
}

inline void need_aligned(size_t bytes, size_t alignment, const char *file, int line) {
  if (bytes % alignment != 0) fail("%s:%d: an access of %zu bytes is misaligned", file, line, alignment);
}

}  // namespace emulator

/* ---- The dialect that the kernels are written in: src/cuda/dialect.cuh says what each name means ---- */

#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __syncthreads() emulator::barrier(__FILE__, __LINE__)
#define __syncwarp() emulator::warp_barrier(__FILE__, __LINE__)
#define C2_SHUFFLE(value, source) emulator::shuffle_float(__FILE__, __LINE__, value, source)
#define C2_ANY(value) emulator::any(__FILE__, __LINE__, value)
#define C2_SHARED(type, name, count) \
  shared<type> name(emulator::shared_at(__FILE__, __LINE__, (count), sizeof(type)), 0)
#define C2_UNROLL
#define C2_UNROLL_FOUR
#define C2_FAST_EXP2(x) std::exp2(x)
#define C2_INFINITY INFINITY

inline double __dadd_rn(double x, double y) { return x + y; }
inline double __dmul_rn(double x, double y) { return x * y; }

template <class T> using global = emulator::pointer<T>;
template <class T> using shared = emulator::shared_array<T>;

struct bf16 {
  uint16_t bits;
};

inline float to_float(float x) { return x; }

inline float to_float(bf16 x) {
  uint32_t bits = static_cast<uint32_t>(x.bits) << 16;
  float value;
  memcpy(&value, &bits, sizeof value);
  return value;
}

template <class T> T from_float(float x);

template <> inline float from_float<float>(float x) { return x; }

template <> inline bf16 from_float<bf16>(float x) { /* to the nearest, ties to the even one; NaN stays NaN */
  uint32_t bits;
  memcpy(&bits, &x, sizeof bits);
  if (std::isnan(x)) return bf16{static_cast<uint16_t>(bits >> 16 | 0x40)};
  return bf16{static_cast<uint16_t>((bits + 0x7fff + (bits >> 16 & 1)) >> 16)};
}

inline uint32_t pack(float low, float high) {
  return from_float<bf16>(low).bits | static_cast<uint32_t>(from_float<bf16>(high).bits) << 16;
}

inline float4 load4(shared<float> from, size_t i) {
  emulator::need_aligned(from.index(i) * 4, 16, __FILE__, __LINE__);
  return float4{from[i], from[i + 1], from[i + 2], from[i + 3]};
}

inline void store4(global<float> to, size_t i, float4 value) {
  emulator::need_aligned(reinterpret_cast<uintptr_t>(to.address(i)), 16, __FILE__, __LINE__);
  to[i] = value.x;
  to[i + 1] = value.y;
  to[i + 2] = value.z;
  to[i + 3] = value.w;
}

/* Sixteen bytes, as float32. */
template <class T> void load16(float *to, global<const T> from, size_t i) {
  emulator::need_aligned(reinterpret_cast<uintptr_t>(from.address(i)), 16, __FILE__, __LINE__);
  for (size_t n = 0; n < 16 / sizeof(T); n++) to[n] = to_float(static_cast<T>(from[i + n]));
}

template <class T> void copy16_async(shared<T> to, size_t i, global<const T> from, size_t j, bool there) {
  emulator::need_aligned(to.index(i) * sizeof(T), 16, __FILE__, __LINE__);
  emulator::need_aligned(reinterpret_cast<uintptr_t>(from.address(j)), 16, __FILE__, __LINE__);
  for (size_t n = 0; n < 16 / sizeof(T); n++) to.bring(i + n, there ? static_cast<T>(from[j + n]) : T{});
}

inline void wait_for_copies() { emulator::wait_copies(); }

/* Two neighbours as one word. */
inline uint32_t load_pair(global<const bf16> from, size_t i) {
  emulator::need_aligned(reinterpret_cast<uintptr_t>(from.address(i)), 4, __FILE__, __LINE__);
  bf16 low = from[i];
  bf16 high = from[i + 1];
  return low.bits | static_cast<uint32_t>(high.bits) << 16;
}

inline void store_pair(global<bf16> to, size_t i, float low, float high) {
  emulator::need_aligned(reinterpret_cast<uintptr_t>(to.address(i)), 4, __FILE__, __LINE__);
  to[i] = from_float<bf16>(low);
  to[i + 1] = from_float<bf16>(high);
}

inline void matrix_rows(uint16_t *row, shared<bf16> from, size_t i) {
  emulator::need_aligned(from.index(i) * 2, 16, __FILE__, __LINE__);
  for (size_t n = 0; n < 8; n++) row[n] = static_cast<bf16>(from[i + n]).bits;
}

inline void load_matrices(uint32_t *r, shared<bf16> from, size_t i) {
  uint16_t row[8];
  matrix_rows(row, from, i);
  emulator::matrices(__FILE__, __LINE__, r, row, false);
}

inline void load_matrices_transposed(uint32_t *r, shared<bf16> from, size_t i) {
  uint16_t row[8];
  matrix_rows(row, from, i);
  emulator::matrices(__FILE__, __LINE__, r, row, true);
}

inline void mma_bf16(float *c, const uint32_t *a, const uint32_t *b) { emulator::mma(__FILE__, __LINE__, c, a, b); }

#endif

/* Fibers, their scheduler, and the checkers. */
#include "emulator.h"

#undef _FORTIFY_SOURCE /* whose longjmp refuses to change stacks */
#include <setjmp.h>
#include <ucontext.h>

#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <string>
#include <vector>

dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace emulator {

namespace {

enum state { RUNNABLE, AT_BARRIER, AT_MEETING, LEFT };
enum { STACK_BYTES = 256 * 1024 };

#if defined(__SANITIZE_ADDRESS__)
#define C2_FOLLOWED
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define C2_FOLLOWED
#endif
#endif

/* A place to come back to. A fiber begins by its context, which costs a system call; after that a jump will do, except
 * under the address sanitizer, which follows contexts only. */
struct place {
  ucontext_t context;
  jmp_buf jump;
  bool left; /* by a jump */
};

/* An element of shared memory on its way. */
struct copy {
  shared_block *block;
  size_t index;
  unsigned char bytes[4];
};

struct fiber {
  place at;
  std::unique_ptr<unsigned char[]> stack;
  state where;
  const char *file; /* of the barrier or meeting */
  int line;
  void *payload;
  std::vector<copy> copies;
};

struct warp {
  size_t arrived;
  uint64_t epoch; /* counts __syncwarp */
};

struct machine {
  uint64_t random = 1;
  std::map<uintptr_t, std::unique_ptr<allocation>> memory;
  uint64_t launch = 0;
  uint64_t block = 0; /* number within the grid, from 1 */
  uint64_t epoch = 0; /* counts barriers */
  fiber fibers[MOST_THREADS];
  warp warps[MOST_THREADS / WARP];
  unsigned runnable[MOST_THREADS];
  size_t runnable_count = 0;
  unsigned threads = 0;
  unsigned current = 0;
  place scheduler;
  const std::function<void()> *kernel = nullptr;
  std::vector<std::unique_ptr<shared_block>> arrays;
  bool failed = false;
  char text[512];
} m;

size_t draw(size_t below) {
  m.random ^= m.random << 13; /* xorshift (Marsaglia 2003) */
  m.random ^= m.random >> 7;
  m.random ^= m.random << 17;
  return static_cast<size_t>(m.random % below);
}

void change(place &from, place &to) {
#if defined(C2_FOLLOWED)
  swapcontext(&from.context, &to.context);
#else
  if (_setjmp(from.jump)) return;
  from.left = true;
  if (to.left) _longjmp(to.jump, 1);
  setcontext(&to.context);
#endif
}

void yield() { change(m.fibers[m.current].at, m.scheduler); }

void make_runnable(unsigned thread) {
  m.fibers[thread].where = RUNNABLE;
  m.runnable[m.runnable_count++] = thread;
}

void fiber_main() {
  (*m.kernel)();
  m.fibers[m.current].where = LEFT;
  yield(); /* never resumed */
}

void resume(unsigned thread) {
  m.current = thread;
  threadIdx = dim3(thread);
  change(m.scheduler, m.fibers[thread].at);
}

const char *doing(const fiber &f) { return f.where == LEFT ? "has left, last seen at " : "waits at "; }

/* Nobody can run: all wait at one barrier, or something is wrong. */
void release_barrier() {
  const fiber &first = m.fibers[0];
  for (unsigned t = 0; t < m.threads; t++) {
    const fiber &f = m.fibers[t];
    if (f.where == AT_BARRIER && first.where == AT_BARRIER && f.line == first.line && f.file == first.file) continue;
    m.failed = true;
    snprintf(m.text, sizeof m.text, "block %llu: threads diverge: thread 0 %s%s:%d, thread %u %s%s:%d",
             static_cast<unsigned long long>(m.block - 1), doing(first), first.file ? first.file : "its beginning",
             first.line, t, doing(f), f.file ? f.file : "its beginning", f.line);
    return;
  }
  m.epoch++;
  for (unsigned t = 0; t < m.threads; t++) make_runnable(t);
}

bool all_left() {
  for (unsigned t = 0; t < m.threads; t++) {
    if (m.fibers[t].where != LEFT) return false;
  }
  return true;
}

void run_block() {
  m.runnable_count = 0;
  m.epoch++;
  m.arrays.clear();
  for (unsigned t = 0; t < m.threads; t++) {
    fiber &f = m.fibers[t];
    if (!f.stack) f.stack.reset(new unsigned char[STACK_BYTES]);
    f.file = nullptr;
    f.line = 0;
    f.copies.clear();
    f.at.left = false;
    getcontext(&f.at.context);
    f.at.context.uc_stack.ss_sp = f.stack.get();
    f.at.context.uc_stack.ss_size = STACK_BYTES;
    f.at.context.uc_link = nullptr;
    makecontext(&f.at.context, fiber_main, 0);
    make_runnable(t);
  }
  for (warp &w : m.warps) w = warp{0, 0};
  while (!m.failed) {
    if (m.runnable_count == 0) {
      if (all_left()) return;
      release_barrier();
      continue;
    }
    size_t i = draw(m.runnable_count);
    unsigned thread = m.runnable[i];
    m.runnable[i] = m.runnable[--m.runnable_count];
    resume(thread);
  }
}

void wait(state where, const char *file, int line) {
  fiber &f = m.fibers[m.current];
  f.where = where;
  f.file = file;
  f.line = line;
  yield();
}

}  // namespace

void seed(uint64_t value) { m.random = value * 0x9e3779b97f4a7c15u + 1; }

void fail(const char *format, ...) {
  va_list args;
  va_start(args, format);
  int at = snprintf(m.text, sizeof m.text, "block %llu thread %u: ", static_cast<unsigned long long>(m.block - 1),
                    m.current);
  vsnprintf(m.text + at, sizeof m.text - static_cast<size_t>(at), format, args);
  va_end(args);
  m.failed = true;
  for (;;) yield(); /* the launch is over */
}

const char *run(dim3 grid, dim3 block, const std::function<void()> &kernel) {
  size_t blocks = size_t{grid.x} * grid.y * grid.z;
  m.failed = false;
  m.threads = block.x;
  if (block.y * block.z != 1 || block.x == 0 || block.x % WARP != 0 || block.x > MOST_THREADS) {
    snprintf(m.text, sizeof m.text, "a block of %u threads: expected whole warps, at most %d threads", block.x,
             MOST_THREADS);
    return m.text;
  }
  if (blocks == 0) return "an empty grid";
  if (grid.y > 65535 || grid.z > 65535) return "a grid of more than 65535 blocks in y or z";
  m.launch++;
  m.kernel = &kernel;
  gridDim = grid;
  blockDim = block;
  std::vector<size_t> order(blocks);
  for (size_t i = 0; i < blocks; i++) order[i] = i;
  for (size_t i = blocks; i-- > 1;) std::swap(order[i], order[draw(i + 1)]);
  for (size_t number : order) {
    m.block = number + 1;
    blockIdx = dim3(static_cast<unsigned>(number % grid.x), static_cast<unsigned>(number / grid.x % grid.y),
                    static_cast<unsigned>(number / grid.x / grid.y));
    run_block();
    if (m.failed) return m.text;
  }
  return nullptr;
}

/* ---- Global memory ------------------------------------------------------------------------------ */

void *allocate(size_t bytes) {
  auto made = std::make_unique<allocation>();
  size_t rounded = (bytes + 255) / 256 * 256;
  made->base = static_cast<unsigned char *>(aligned_alloc(256, rounded ? rounded : 256));
  made->bytes = bytes;
  made->stamp = static_cast<block_stamps *>(calloc(bytes / 2 + 1, sizeof(block_stamps)));
  if (!made->base || !made->stamp) {
    free(made->base);
    free(made->stamp);
    return nullptr;
  }
  void *base = made->base;
  m.memory[reinterpret_cast<uintptr_t>(base)] = std::move(made);
  return base;
}

void release(void *memory) {
  auto found = m.memory.find(reinterpret_cast<uintptr_t>(memory));
  if (found == m.memory.end()) return;
  free(found->second->base);
  free(found->second->stamp);
  m.memory.erase(found);
}

size_t allocated() {
  size_t bytes = 0;
  for (auto &entry : m.memory) bytes += entry.second->bytes;
  return bytes;
}

const allocation *find(const void *memory) {
  auto after = m.memory.upper_bound(reinterpret_cast<uintptr_t>(memory));
  return after == m.memory.begin() ? nullptr : std::prev(after)->second.get();
}

static bool within(const allocation *a, const void *address, size_t bytes) {
  size_t offset = reinterpret_cast<uintptr_t>(address) - reinterpret_cast<uintptr_t>(a->base);
  return offset <= a->bytes && bytes <= a->bytes - offset;
}

bool holds(const void *memory, size_t bytes) {
  const allocation *a = find(memory);
  return a && within(a, memory, bytes);
}

static block_stamps *first_stamp(const allocation *a, const void *memory) {
  return a->stamp + (static_cast<const unsigned char *>(memory) - a->base) / 2;
}

bool written(const void *memory, size_t bytes) {
  const block_stamps *s = first_stamp(find(memory), memory);
  for (size_t i = 0; i < (bytes + 1) / 2; i++) {
    if (s[i].writer == 0) return false;
  }
  return true;
}

void mark_written(const void *memory, size_t bytes) {
  block_stamps *s = first_stamp(find(memory), memory);
  for (size_t i = 0; i < (bytes + 1) / 2; i++) s[i].writer = 1; /* before any launch's */
}

/* A stamp is the launch, then the block, from 1; all ones for several blocks. */
enum : uint64_t { SEVERAL = 0xffffff };

static uint64_t stamp() { return (m.launch << 24 | m.block) + 1; }

static bool of_another(uint64_t stamped) {
  return (stamped - 1) >> 24 == m.launch && stamped != stamp();
}

static block_stamps *stamps_of(const allocation *a, const void *address, size_t bytes, size_t alignment) {
  if (!a) fail("an access to memory that was never allocated");
  if (!within(a, address, bytes)) {
    fail("an access %td bytes into an allocation of %zu", static_cast<const unsigned char *>(address) - a->base,
         a->bytes);
  }
  need_aligned(reinterpret_cast<uintptr_t>(address), alignment, __FILE__, __LINE__);
  return first_stamp(a, address);
}

void read_global(const allocation *from, const void *address, size_t bytes, size_t alignment) {
  block_stamps *s = stamps_of(from, address, bytes, alignment);
  for (size_t i = 0; i < (bytes + 1) / 2; i++) {
    if (s[i].writer == 0) fail("a read of global memory that was never written");
    if (of_another(s[i].writer)) fail("a read of global memory that another block writes");
    bool several = of_another(s[i].reader);
    s[i].reader = several ? (m.launch << 24 | SEVERAL) + 1 : stamp();
  }
}

void write_global(const allocation *to, const void *address, size_t bytes, size_t alignment) {
  block_stamps *s = stamps_of(to, address, bytes, alignment);
  for (size_t i = 0; i < (bytes + 1) / 2; i++) {
    if (of_another(s[i].writer)) fail("a write to global memory that another block writes");
    if (of_another(s[i].reader)) fail("a write to global memory that another block reads");
    s[i].writer = stamp();
  }
}

/* ---- Shared memory ------------------------------------------------------------------------------ */

/* Who accessed an element last since the barrier counted by `epoch`; `thread` and `warp` may be SOME. */
struct access {
  uint64_t epoch = 0, warp_epoch = 0;
  unsigned thread = 0, warp_number = 0;
};

enum : unsigned { SOME = 0xffffffff };

struct shared_block {
  const char *file;
  int line;
  size_t elements, size;
  std::unique_ptr<unsigned char[]> values;
  std::unique_ptr<access[]> writer, reader;
  std::unique_ptr<bool[]> written;
};

shared_block *shared_at(const char *file, int line, size_t elements, size_t size) {
  for (auto &a : m.arrays) {
    if (a->file == file && a->line == line) return a.get();
  }
  auto made = std::make_unique<shared_block>();
  made->file = file;
  made->line = line;
  made->elements = elements;
  made->size = size;
  made->values.reset(new unsigned char[elements * size]);
  made->writer.reset(new access[elements]);
  made->reader.reset(new access[elements]);
  made->written.reset(new bool[elements]());
  m.arrays.push_back(std::move(made));
  size_t total = 0;
  for (auto &a : m.arrays) total += a->elements * a->size;
  if (total > 48 * 1024) fail("%zu bytes of shared memory: a block has 48 KiB", total);
  return m.arrays.back().get();
}

/* True if an access since the last barrier isn't ordered before what this thread does now. */
static bool unordered(const access &a) {
  unsigned mine = m.current / WARP;
  if (a.epoch != m.epoch || a.thread == m.current) return false;
  return a.warp_number != mine || a.warp_epoch == m.warps[mine].epoch;
}

static void remember(access &a) {
  unsigned mine = m.current / WARP;
  if (unordered(a)) {
    a.thread = SOME;
    if (a.warp_number != mine) a.warp_number = SOME;
    else a.warp_epoch = m.warps[mine].epoch;
    return;
  }
  a = access{m.epoch, m.warps[mine].epoch, m.current, mine};
}

static void check_index(const shared_block *b, size_t index) {
  if (index >= b->elements) {
    fail("element %zu of the %zu of the shared array at %s:%d", index, b->elements, b->file, b->line);
  }
}

static void race(const shared_block *b, size_t index, const char *what) {
  fail("a race: %s element %zu of the shared array at %s:%d, with no barrier between", what, index, b->file, b->line);
}

void *read_shared(shared_block *b, size_t index) {
  check_index(b, index);
  if (!b->written[index]) {
    fail("a read of element %zu of the shared array at %s:%d, never written", index, b->file, b->line);
  }
  if (unordered(b->writer[index])) race(b, index, "a read of what another thread writes,");
  remember(b->reader[index]);
  return b->values.get() + index * b->size;
}

void *write_shared(shared_block *b, size_t index) {
  check_index(b, index);
  if (unordered(b->writer[index])) race(b, index, "two threads write");
  if (unordered(b->reader[index])) race(b, index, "a write to what another thread reads,");
  remember(b->writer[index]);
  b->written[index] = true;
  return b->values.get() + index * b->size;
}

void bring_shared(shared_block *b, size_t index, const void *bytes) {
  fiber &f = m.fibers[m.current];
  copy c = {b, index, {0, 0, 0, 0}};
  write_shared(b, index); /* from now on it may come at any time */
  b->written[index] = false;
  memcpy(c.bytes, bytes, b->size);
  f.copies.push_back(c);
}

void wait_copies() {
  fiber &f = m.fibers[m.current];
  for (const copy &c : f.copies) memcpy(write_shared(c.block, c.index), c.bytes, c.block->size);
  f.copies.clear();
}

/* ---- Threads that meet -------------------------------------------------------------------------- */

void barrier(const char *file, int line) { wait(AT_BARRIER, file, line); }

void meet(const char *file, int line, void *payload, void (*work)(void *const *payloads)) {
  unsigned number = m.current / WARP;
  warp &w = m.warps[number];
  m.fibers[m.current].payload = payload;
  if (++w.arrived < WARP) {
    wait(AT_MEETING, file, line);
    return;
  }
  w.arrived = 0;
  void *payloads[WARP];
  for (unsigned lane = 0; lane < WARP; lane++) {
    unsigned thread = number * WARP + lane;
    const fiber &f = m.fibers[thread];
    payloads[lane] = f.payload;
    if (thread != m.current && (f.line != line || f.file != file)) {
      fail("a warp diverges: this lane is at %s:%d, lane %u at %s:%d", file, line, lane, f.file, f.line);
    }
  }
  work(payloads);
  for (unsigned lane = 0; lane < WARP; lane++) {
    if (number * WARP + lane != m.current) make_runnable(number * WARP + lane);
  }
}

void warp_barrier(const char *file, int line) {
  meet(file, line, nullptr, [](void *const *) { m.warps[m.current / WARP].epoch++; });
}

struct word {
  uint32_t value;
  unsigned source;
};

uint32_t shuffle(const char *file, int line, uint32_t value, unsigned source) {
  word mine = {value, source};
  meet(file, line, &mine, [](void *const *lanes) {
    uint32_t values[WARP];
    for (unsigned i = 0; i < WARP; i++) values[i] = static_cast<word *>(lanes[i])->value;
    for (unsigned i = 0; i < WARP; i++) {
      word *w = static_cast<word *>(lanes[i]);
      w->value = values[w->source % WARP];
    }
  });
  return mine.value;
}

bool any(const char *file, int line, bool value) {
  meet(file, line, &value, [](void *const *lanes) {
    bool found = false;
    for (unsigned i = 0; i < WARP; i++) found = found || *static_cast<bool *>(lanes[i]);
    for (unsigned i = 0; i < WARP; i++) *static_cast<bool *>(lanes[i]) = found;
  });
  return value;
}

struct tile {
  float *c;
  const uint32_t *a, *b;
};

static float half_of(uint32_t pair, unsigned which) {
  return to_float(bf16{static_cast<uint16_t>(which ? pair >> 16 : pair & 0xffff)});
}

/* PTX ISA, "Matrix fragments for mma.m16n8k16": of a lane, group = lane / 4, in = lane % 4. a0 and a1 hold rows group
 * and group + 8 of columns 2 in and 2 in + 1, a2 and a3 those 8 columns further; b0 and b1 rows 2 in and 2 in + 1, and
 * those 8 further, of column group; c as a, of 8 columns. */
static void multiply_tiles(void *const *lanes) {
  float a[16][16];
  float b[16][8];
  for (unsigned lane = 0; lane < WARP; lane++) {
    const tile *t = static_cast<tile *>(lanes[lane]);
    unsigned group = lane / 4;
    unsigned in = lane % 4 * 2;
    for (unsigned i = 0; i < 4; i++) {
      for (unsigned e = 0; e < 2; e++) a[group + i % 2 * 8][in + e + i / 2 * 8] = half_of(t->a[i], e);
    }
    for (unsigned i = 0; i < 2; i++) {
      for (unsigned e = 0; e < 2; e++) b[in + e + i * 8][group] = half_of(t->b[i], e);
    }
  }
  for (unsigned lane = 0; lane < WARP; lane++) {
    float *c = static_cast<tile *>(lanes[lane])->c;
    for (unsigned i = 0; i < 4; i++) {
      unsigned row = lane / 4 + i / 2 * 8;
      unsigned column = lane % 4 * 2 + i % 2;
      float sum = 0;
      for (unsigned k = 0; k < 16; k++) sum += a[row][k] * b[k][column];
      c[i] += sum;
    }
  }
}

void mma(const char *file, int line, float *c, const uint32_t *a, const uint32_t *b) {
  tile mine = {c, a, b};
  meet(file, line, &mine, multiply_tiles);
}

struct matrix_row {
  uint32_t *r;
  const uint16_t *row;
  bool transposed;
};

/* PTX ISA, ldmatrix.x4: lane i brings row i % 8 of matrix i / 8, and takes from each matrix elements 2 (i % 4) and
 * 2 (i % 4) + 1 of row i / 4; with .trans of column i / 4. */
static void take_matrices(void *const *lanes) {
  for (unsigned lane = 0; lane < WARP; lane++) {
    const matrix_row *mine = static_cast<matrix_row *>(lanes[lane]);
    for (unsigned matrix = 0; matrix < 4; matrix++) {
      uint32_t pair[2];
      for (unsigned e = 0; e < 2; e++) {
        unsigned line = lane / 4;
        unsigned along = lane % 4 * 2 + e;
        unsigned row = mine->transposed ? along : line;
        unsigned column = mine->transposed ? line : along;
        pair[e] = static_cast<matrix_row *>(lanes[matrix * 8 + row])->row[column];
      }
      mine->r[matrix] = pair[0] | pair[1] << 16;
    }
  }
}

void matrices(const char *file, int line, uint32_t *r, const uint16_t *row, bool transposed) {
  matrix_row mine = {r, row, transposed};
  meet(file, line, &mine, take_matrices);
}

}  // namespace emulator

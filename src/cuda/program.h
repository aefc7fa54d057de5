/* A pass as a list of operations. It is run by one call for each, or by a CUDA graph, which is one call for all: short
 * passes take longer to start than to run. A graph repeats the very operations that it was made of, so the lists are
 * compared, byte by byte; what has changed in the device's memory doesn't matter. The first pass of a shape runs
 * directly, the second one makes its graph, later ones replay it: ragged batches, whose shapes don't come again, pay
 * nothing. A list of which no graph can be made is run directly each time. */
#ifndef C2_CUDA_PROGRAM_H
#define C2_CUDA_PROGRAM_H

#include "cuda/link.h"

enum { C2_CUDA_GRAPHS = 64 };

typedef enum c2_cuda_kind {
#define C2_CUDA_KIND(name) C2_CUDA_##name,
  C2_GPU_OPERATIONS(C2_CUDA_KIND)
#undef C2_CUDA_KIND
} c2_cuda_kind;

typedef struct c2_cuda_operation {
  uint64_t kind;
  union {
#define C2_CUDA_MEMBER(name) c2_gpu_##name name;
    C2_GPU_OPERATIONS(C2_CUDA_MEMBER)
#undef C2_CUDA_MEMBER
  } of; /* zero behind the kind's own struct */
} c2_cuda_operation;

/* A list that has been run. */
typedef struct c2_cuda_known {
  c2_cuda_operation *operation;
  size_t count;
  c2_gpu_graph *graph; /* NULL: none yet */
  bool refused;        /* none can be made */
} c2_cuda_known;

typedef struct c2_cuda_program {
  c2_cuda_operation *operation; /* those of the pass under way */
  size_t count, room;
  c2_cuda_known known[C2_CUDA_GRAPHS]; /* the one used last comes first */
  bool no_graphs;
} c2_cuda_program;

/* Appends an operation: `arguments` is a c2_gpu_NAME of `size` bytes. */
c2_status c2_cuda_emit(c2_cuda_program *program, c2_cuda_kind kind, const void *arguments, size_t size, c2_error *err);
#define C2_CUDA_EMIT(program, name, arguments, err) \
  c2_cuda_emit((program), C2_CUDA_##name, (arguments), sizeof(c2_gpu_##name), (err))

/* Starts what the list holds, and empties it. `whole`: the list is a whole pass, which a graph may run. */
c2_status c2_cuda_program_run(c2_cuda_program *program, const c2_cuda_link *link, bool whole, c2_error *err);

/* Gives all memory back. */
void c2_cuda_program_close(c2_cuda_program *program, const c2_cuda_link *link);

#endif

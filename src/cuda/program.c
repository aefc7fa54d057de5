/* Runs lists of operations, directly or by graphs. */
#include "cuda/program.h"

#include <stdlib.h>
#include <string.h>

c2_status c2_cuda_emit(c2_cuda_program *p, c2_cuda_kind kind, const void *arguments, size_t size, c2_error *err) {
  C2_TRY(c2_grow_array(&p->operation, &p->room, p->count + 1, sizeof *p->operation, err));
  c2_cuda_operation *o = &p->operation[p->count++];
  memset(o, 0, sizeof *o);
  o->kind = kind;
  memcpy(&o->of, arguments, size);
  return C2_OK;
}

static c2_status run_one(const c2_cuda_link *link, const c2_cuda_operation *o, c2_error *err) {
  switch ((c2_cuda_kind)o->kind) {
#define C2_CUDA_CASE(name) \
  case C2_CUDA_##name: return link->table->name(link->device, &o->of.name, err);
    C2_GPU_OPERATIONS(C2_CUDA_CASE)
#undef C2_CUDA_CASE
  }
  C2_FAIL(err, C2_ERR_ARGUMENT, "an unknown operation");
}

static c2_status run_all(const c2_cuda_program *p, const c2_cuda_link *link, c2_error *err) {
  for (size_t i = 0; i < p->count; i++) C2_TRY(run_one(link, &p->operation[i], err));
  return C2_OK;
}

/* Takes the i-th list to the first place. */
static c2_cuda_known *use(c2_cuda_program *p, size_t i) {
  c2_cuda_known used = p->known[i];
  memmove(p->known + 1, p->known, i * sizeof used);
  p->known[0] = used;
  return p->known;
}

static c2_cuda_known *find(c2_cuda_program *p) {
  for (size_t i = 0; i < C2_CUDA_GRAPHS; i++) {
    const c2_cuda_known *k = &p->known[i];
    if (k->count == p->count && memcmp(k->operation, p->operation, p->count * sizeof *p->operation) == 0) {
      return use(p, i);
    }
  }
  return NULL;
}

static void forget(c2_cuda_known *k, const c2_cuda_link *link) {
  if (k->graph) link->table->forget(link->device, k->graph);
  free(k->operation);
  *k = (c2_cuda_known){.operation = NULL};
}

/* Takes the list out of the program, in the place of the one used longest ago. */
static void remember(c2_cuda_program *p, const c2_cuda_link *link) {
  c2_cuda_known *k = use(p, C2_CUDA_GRAPHS - 1);
  forget(k, link);
  *k = (c2_cuda_known){.operation = p->operation, .count = p->count};
  p->operation = NULL;
  p->count = p->room = 0;
}

/* NULL: the list can't be recorded. What is wrong with it, if more than that, it says when it is run. */
static c2_gpu_graph *capture(const c2_cuda_program *p, const c2_cuda_link *link) {
  c2_error ignored;
  c2_gpu_graph *graph = NULL;
  if (link->table->capture(link->device, &ignored) != C2_OK) return NULL;
  c2_status status = run_all(p, link, &ignored);
  c2_status ended = link->table->captured(link->device, &graph, &ignored);
  if (status == C2_OK && ended == C2_OK) return graph;
  if (graph) link->table->forget(link->device, graph); /* it lacks what would have come */
  return NULL;
}

static c2_status run_known(c2_cuda_program *p, const c2_cuda_link *link, c2_error *err) {
  c2_cuda_known *k = find(p);
  if (!k) {
    C2_TRY(run_all(p, link, err));
    remember(p, link);
    return C2_OK;
  }
  if (!k->graph && !k->refused) {
    k->graph = capture(p, link);
    k->refused = !k->graph;
  }
  return k->graph ? link->table->replay(link->device, k->graph, err) : run_all(p, link, err);
}

c2_status c2_cuda_program_run(c2_cuda_program *p, const c2_cuda_link *link, bool whole, c2_error *err) {
  c2_status status = whole && p->count > 0 && !p->no_graphs ? run_known(p, link, err) : run_all(p, link, err);
  p->count = 0;
  return status;
}

void c2_cuda_program_close(c2_cuda_program *p, const c2_cuda_link *link) {
  for (size_t i = 0; i < C2_CUDA_GRAPHS; i++) forget(&p->known[i], link);
  free(p->operation);
  p->operation = NULL;
  p->count = p->room = 0;
}

/* Encoded pasts that are kept for scenarios to come, by names that nobody can guess. Beyond a budget of memory those
 * that nobody uses and that were used least lately are dropped. Any thread may ask. */
#ifndef C2_SERVE_CONTEXTS_H
#define C2_SERVE_CONTEXTS_H

#include <chronos2.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"
#include "serve/call.h"

enum { C2_CONTEXT_ID_ROOM = 33 };

typedef struct c2_kept c2_kept;
struct c2_kept {
  char id[C2_CONTEXT_ID_ROOM];
  c2_call call; /* its pasts */
  chronos2_context *context;
  size_t bytes;

  /* The store's, under its lock. */
  c2_kept *next, *before; /* those used lately first */
  size_t users;
  bool is_dropped;
};

typedef struct c2_contexts c2_contexts;

c2_status c2_contexts_open(c2_contexts **contexts, size_t budget, c2_error *err);
void c2_contexts_close(c2_contexts **contexts); /* nobody may use one */

/* Keeps a context: it and the call become the store's, and both are zeroed. *kept is used until it is given back. Fails
 * with C2_ERR_ARGUMENT if it alone is beyond the budget, with C2_ERR_MEMORY if it is beside those in use; call and
 * context then stay the caller's. */
c2_status c2_contexts_add(c2_contexts *contexts, c2_call *call, chronos2_context **context, c2_kept **kept,
                          c2_error *err);

/* NULL if there is none of this name. */
c2_kept *c2_contexts_take(c2_contexts *contexts, const char *id);
void c2_contexts_give(c2_contexts *contexts, c2_kept **kept);

/* False if there is none of this name. Those who use it may go on. */
bool c2_contexts_drop(c2_contexts *contexts, const char *id);

/* How many are kept, and the memory that they hold, those that are dropped but still in use included. */
size_t c2_contexts_count(c2_contexts *contexts, size_t *bytes);

#endif

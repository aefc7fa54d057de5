/* Kept contexts. */
#include "serve/contexts.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/memory.h"
#include "base/platform.h"

struct c2_contexts {
  pthread_mutex_t lock;
  c2_kept *head, *tail;
  size_t count, bytes, budget; /* bytes: also of those that are dropped but still in use */
};

c2_status c2_contexts_open(c2_contexts **contexts, size_t budget, c2_error *err) {
  C2_TRY(c2_alloc_array(1, sizeof **contexts, contexts, err));
  (void)pthread_mutex_init(&(*contexts)->lock, NULL);
  (*contexts)->budget = budget;
  return C2_OK;
}

static void free_kept(c2_kept *kept) {
  chronos2_context_close(&kept->context);
  c2_call_free(&kept->call);
  free(kept);
}

/* ---- Under the lock -------------------------------------------------------------------------- */

static void put_first(c2_contexts *c, c2_kept *kept) {
  kept->before = NULL;
  kept->next = c->head;
  *(c->head ? &c->head->before : &c->tail) = kept;
  c->head = kept;
}

static void take_out(c2_contexts *c, c2_kept *kept) {
  *(kept->before ? &kept->before->next : &c->head) = kept->next;
  *(kept->next ? &kept->next->before : &c->tail) = kept->before;
}

static void free_unused(c2_contexts *c, c2_kept *kept) {
  if (kept->users > 0 || !kept->is_dropped) return;
  c->bytes -= kept->bytes;
  free_kept(kept);
}

/* What is in use is freed by its last user. */
static void drop(c2_contexts *c, c2_kept *kept) {
  take_out(c, kept);
  c->count--;
  kept->is_dropped = true;
  free_unused(c, kept);
}

/* Makes room for another context. Those in use stay: their memory would not be free. */
static c2_status make_room(c2_contexts *c, size_t bytes, c2_error *err) {
  size_t in_use = c->bytes;
  for (const c2_kept *kept = c->head; kept; kept = kept->next) in_use -= kept->users > 0 ? 0 : kept->bytes;
  if (in_use > c->budget - bytes) {
    C2_FAIL(err, C2_ERR_MEMORY, "contexts that other requests use hold the memory that there is for them");
  }
  for (c2_kept *kept = c->tail, *before = NULL; c->bytes > c->budget - bytes; kept = before) {
    before = kept->before;
    if (kept->users == 0) drop(c, kept);
  }
  return C2_OK;
}

static c2_kept *find(const c2_contexts *c, const char *id) {
  c2_kept *kept = c->head;
  while (kept && strcmp(kept->id, id) != 0) kept = kept->next;
  return kept;
}

/* ---------------------------------------------------------------------------------------------- */

c2_status c2_contexts_add(c2_contexts *c, c2_call *call, chronos2_context **context, c2_kept **out, c2_error *err) {
  unsigned char random[16];
  c2_kept *kept = NULL;
  size_t bytes = sizeof *kept + chronos2_context_bytes(*context);
  c2_sum_up(&bytes, 1, c2_call_held(call));
  if (bytes > c->budget) {
    C2_FAIL(err, C2_ERR_ARGUMENT, "the encoded pasts take %zu bytes, expected at most %zu", bytes, c->budget);
  }
  if (!c2_random_bytes(random, sizeof random)) C2_FAIL(err, C2_ERR_IO, "the system gives no random bytes");
  C2_TRY(c2_alloc_array(1, sizeof *kept, &kept, err));
  for (size_t i = 0; i < sizeof random; i++) (void)snprintf(kept->id + 2 * i, 3, "%02x", random[i]);
  pthread_mutex_lock(&c->lock);
  c2_status status = make_room(c, bytes, err);
  if (status == C2_OK) {
    kept->call = *call;
    kept->context = *context;
    kept->bytes = bytes;
    kept->users = 1;
    put_first(c, kept);
    c->count++;
    c->bytes += bytes;
    memset(call, 0, sizeof *call);
    *context = NULL;
    *out = kept;
  }
  pthread_mutex_unlock(&c->lock);
  if (status != C2_OK) free(kept);
  return status;
}

c2_kept *c2_contexts_take(c2_contexts *c, const char *id) {
  pthread_mutex_lock(&c->lock);
  c2_kept *kept = find(c, id);
  if (kept) {
    take_out(c, kept);
    put_first(c, kept);
    kept->users++;
  }
  pthread_mutex_unlock(&c->lock);
  return kept;
}

void c2_contexts_give(c2_contexts *c, c2_kept **kept) {
  if (!*kept) return;
  pthread_mutex_lock(&c->lock);
  (*kept)->users--;
  free_unused(c, *kept);
  pthread_mutex_unlock(&c->lock);
  *kept = NULL;
}

bool c2_contexts_drop(c2_contexts *c, const char *id) {
  pthread_mutex_lock(&c->lock);
  c2_kept *kept = find(c, id);
  if (kept) drop(c, kept);
  pthread_mutex_unlock(&c->lock);
  return kept != NULL;
}

size_t c2_contexts_count(c2_contexts *c, size_t *bytes) {
  pthread_mutex_lock(&c->lock);
  size_t count = c->count;
  *bytes = c->bytes;
  pthread_mutex_unlock(&c->lock);
  return count;
}

void c2_contexts_close(c2_contexts **contexts) {
  c2_contexts *c = *contexts;
  if (!c) return;
  while (c->head) drop(c, c->head);
  (void)pthread_mutex_destroy(&c->lock);
  free(c);
  *contexts = NULL;
}

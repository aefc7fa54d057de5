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
  size_t count, bytes, budget;
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

/* What is in use is freed by its last user. */
static void drop(c2_contexts *c, c2_kept *kept) {
  take_out(c, kept);
  c->count--;
  c->bytes -= kept->bytes;
  kept->is_dropped = true;
  if (kept->users == 0) free_kept(kept);
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
  kept->call = *call;
  kept->context = *context;
  kept->bytes = bytes;
  kept->users = 1;
  memset(call, 0, sizeof *call);
  *context = NULL;
  pthread_mutex_lock(&c->lock);
  while (c->bytes + bytes > c->budget) drop(c, c->tail);
  put_first(c, kept);
  c->count++;
  c->bytes += bytes;
  pthread_mutex_unlock(&c->lock);
  *out = kept;
  return C2_OK;
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
  bool is_over = (*kept)->is_dropped && (*kept)->users == 0;
  pthread_mutex_unlock(&c->lock);
  if (is_over) free_kept(*kept);
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

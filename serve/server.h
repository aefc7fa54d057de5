/* The server without its transport: routes, limits, keys, and the life of a request from its headers to its answer. */
#ifndef C2_SERVE_SERVER_H
#define C2_SERVE_SERVER_H

#include <chronos2.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "serve/answer.h"
#include "serve/batcher.h"
#include "serve/call.h"

typedef struct c2_server c2_server;

typedef struct c2_server_options {
  c2_call_limits limits;
  c2_batcher_options batcher;
  const char *keys; /* file of API keys; NULL: none are asked for */
  size_t body;      /* bytes of a body at most */
  size_t contexts;  /* bytes of kept contexts at most */
  size_t memory;    /* bytes of bodies, series and results of all requests at most */
  double seconds;   /* from a whole request to its answer */
  bool errors_only; /* the log leaves out requests that went well */
} c2_server_options;

/* The model and the options' texts must outlive the server. */
c2_status c2_server_open(c2_server **server, const chronos2_model *model, const c2_server_options *options,
                         c2_error *err);

/* All exchanges must be over. */
void c2_server_close(c2_server **server);

/* From now on requests are refused, and those that run are finished. */
void c2_server_drain(c2_server *server);
bool c2_server_is_draining(const c2_server *server);
size_t c2_server_active(const c2_server *server); /* exchanges that aren't over and began before it drained */
void c2_server_tick(c2_server *server);           /* ends what waits too long; call it several times a second */
void c2_server_cancel(c2_server *server);         /* ends everything that waits, and what runs after its pass */
void c2_server_stop(c2_server *server);           /* the same, and returns when nothing runs */
size_t c2_server_body_limit(const c2_server *server);
const char *c2_server_model(const c2_server *server); /* its name */

/* Counts a request that ended before it had an exchange. */
void c2_server_count(c2_server *server, c2_http_status status, double seconds);

/* ---- An exchange: a request and its answer ------------------------------------------------------ */

typedef struct c2_exchange c2_exchange;

/* What the headers say. Texts are read during the call only. */
typedef struct c2_head {
  const char *method, *path;
  const char *bearer;       /* Authorization: Bearer; NULL: none */
  const char *key;          /* X-API-Key; NULL: none */
  const char *content_type; /* NULL: none */
  const char *encoding;     /* Content-Encoding; NULL: none */
  bool has_query;           /* parameters stand behind the path */
  const char *parameters;   /* of an Arrow body: X-Chronos2-Parameters; NULL: none */
  int64_t length;           /* of the body; -1: not said */
  bool is_ambiguous;        /* its end is said in two ways (RFC 9112, section 6.3) */
  bool is_coded;            /* by another Transfer-Encoding than chunked (section 6.1) */
} c2_head;

/* `wake` is called, from any thread, when the answer of a submitted exchange is there. NULL if memory is out. */
c2_exchange *c2_exchange_open(c2_server *server, const c2_head *head, void (*wake)(void *connection), void *connection);

/* Whether the answer is there, so that the rest of the body doesn't matter. */
bool c2_exchange_is_answered(const c2_exchange *exchange);

/* A piece of the body. */
void c2_exchange_take(c2_exchange *exchange, const char *bytes, size_t size);

/* The body is complete. True: c2_exchange_submit must follow, and `wake` will; false: the answer is there. */
bool c2_exchange_end(c2_exchange *exchange);
void c2_exchange_submit(c2_exchange *exchange);

/* The answer, which the caller may take out; once it is asked for, nothing changes any more. */
c2_answer *c2_exchange_answer(c2_exchange *exchange);

const char *c2_exchange_id(const c2_exchange *exchange);

/* Ends it. `sent`: the client has got the answer; otherwise `status` is counted, 0 for a client that went away. */
void c2_exchange_close(c2_exchange **exchange, bool sent, int status);

#endif

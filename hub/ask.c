/* Requests to the hub. */
#include "hub/ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#include "base/memory.h"

enum {
  MOST_TRIES = 5,     /* without progress */
  MOST_HOPS = 10,     /* redirects of one request */
  MOST_PATIENCE = 60, /* seconds that a hub may want us to wait before we come again */
  PROGRESS = 1 << 20  /* bytes after which a broken transfer counts as a new one */
};

/* ---- Messages ---------------------------------------------------------------------------------- */

static const char *what_of(const c2_question *q) {
  return q->file ? q->file : "list of files";
}

static c2_status refuse(const c2_hub *hub, const c2_question *q, int code, c2_error *err) {
  const c2_repo *r = q->repo;
  const char *kind = r->is_dataset ? "data set" : "model";
  const char *said = c2_http_header(hub->http, "X-Error-Message");
  const char *error = c2_http_header(hub->http, "X-Error-Code");
  if (!error) error = "";
  if (code == 404 && strcmp(error, "RevisionNotFound") == 0) {
    C2_FAIL(err, C2_ERR_MODEL, "%s: the hub has no revision '%s' of it (404)", r->name, r->revision);
  }
  if (code == 404 || (code == 401 && strcmp(error, "RepoNotFound") == 0)) {
    C2_FAIL(err, C2_ERR_MODEL, "%s: %s has no such %s (%d), or it is private and %s", r->name, hub->shown, kind,
            code, hub->token ? "the token may not read it" : "needs a token (HF_TOKEN)");
  }
  if (code == 401 || code == 403) {
    C2_FAIL(err, C2_ERR_IO, "%s: the hub refuses access (%d)%s%.200s; %s", r->name, code, said ? ": " : "",
            said ? said : "",
            hub->token ? "the token that is sent may not read it" : "a token (HF_TOKEN) may be needed");
  }
  C2_FAIL(err, C2_ERR_IO, "%s: %s: the hub answers with status %d%s%.200s", r->name, what_of(q), code, said ? ": " : "",
          said ? said : "");
}

/* ---- Repetitions ------------------------------------------------------------------------------- */

static void sleep_for(double seconds) {
  struct timespec t = {(time_t)seconds, (long)(1e9 * (seconds - (double)(time_t)seconds))};
  while (nanosleep(&t, &t) != 0 && errno == EINTR) {
  }
}

static bool passes(int code) {
  return code == 408 || code == 429 || code == 500 || code == 502 || code == 503 || code == 504;
}

/* Seconds that the hub asks us to wait; -1 if it doesn't. A date, which is allowed too, counts as nothing. */
static double wanted_pause(const c2_hub *hub) {
  const char *text = c2_http_header(hub->http, "Retry-After");
  char *end = NULL;
  double seconds = text ? strtod(text, &end) : -1;
  return text && end != text && *end == '\0' && seconds >= 0 ? seconds : -1;
}

/* Waits before the next try, or fails where that makes no sense. */
static c2_status wait(const c2_hub *hub, const c2_question *q, int tries, int code, const c2_error *why,
                      c2_error *err) {
  char line[700];
  double wanted = code ? wanted_pause(hub) : -1;
  double pause = hub->pause * (double)(1 << (tries - 1));
  if (wanted > MOST_PATIENCE) {
    C2_FAIL(err, C2_ERR_IO, "%s: the hub is busy (%d) and asks to come again in %.0f s", q->repo->name, code, wanted);
  }
  if (tries == MOST_TRIES) {
    if (code) return refuse(hub, q, code, err);
    C2_FAIL(err, C2_ERR_IO, "%s: %s: given up after %d tries: %s", q->repo->name, what_of(q), tries, why->text);
  }
  if (wanted > pause) pause = wanted;
  if (code) {
    (void)snprintf(line, sizeof line, "%s: the hub answers with status %d; trying again in %.3g s", what_of(q), code,
                   pause);
  } else {
    (void)snprintf(line, sizeof line, "%.500s; trying again in %.3g s", why->text, pause);
  }
  if (hub->warn) hub->warn(line);
  sleep_for(pause);
  return C2_OK;
}

/* ---- Bodies ------------------------------------------------------------------------------------ */

typedef struct transfer {
  c2_hub *hub;
  c2_receiver *receiver;
  uint64_t from; /* what was asked for */
  bool begun;
  bool misplaced; /* the body began elsewhere */
} transfer;

/* Before the first byte of a body: whether it begins where it should. */
static c2_status begin(transfer *t, int code, c2_error *err) {
  const char *range = c2_http_header(t->hub->http, "Content-Range");
  unsigned long long first = 0;
  t->begun = true;
  if (code == 200 && t->receiver->size > 0) return t->receiver->restart(t->receiver, err);
  if (code != 206) return C2_OK;
  if (!range || sscanf(range, "bytes %llu-", &first) != 1 || first != t->from) {
    t->misplaced = true;
    C2_TRY(t->receiver->restart(t->receiver, err));
    C2_FAIL(err, C2_ERR_IO, "expected the bytes from %llu on, found '%.60s'", (unsigned long long)t->from,
            range ? range : "");
  }
  return C2_OK;
}

static c2_status receive(void *context, int code, const char *bytes, size_t size, c2_error *err) {
  transfer *t = context;
  if (!t->begun) C2_TRY(begin(t, code, err));
  C2_TRY(t->receiver->add(t->receiver, bytes, size, err));
  t->receiver->size += size;
  return C2_OK;
}

/* ---- One try, with its redirects --------------------------------------------------------------- */

static void keep(char *to, size_t room, const char *text) {
  size_t n = strlen(text);
  if (n >= room) n = room - 1;
  memcpy(to, text, n);
  to[n] = '\0';
}

/* "W/" and quotes are no part of an etag that names a file. */
static void keep_etag(c2_file_facts *facts, const char *text) {
  if (strncmp(text, "W/", 2) == 0) text += 2;
  text += *text == '"';
  keep(facts->etag, sizeof facts->etag, text);
  facts->etag[strcspn(facts->etag, "\"")] = '\0';
}

static void keep_size(c2_file_facts *facts, const char *text) {
  char *end = NULL;
  errno = 0;
  unsigned long long value = strtoull(text, &end, 10);
  facts->has_size = text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && value < (uint64_t)1 << 62;
  facts->size = value;
}

/* Takes what one reply says. A reply that leads elsewhere has an ETag and a length of its own, not the file's. */
static void take_facts(const c2_hub *hub, bool leads_on, c2_file_facts *facts) {
  const char *commit = c2_http_header(hub->http, "X-Repo-Commit");
  const char *linked = c2_http_header(hub->http, "X-Linked-ETag");
  const char *etag = c2_http_header(hub->http, "ETag");
  const char *size = c2_http_header(hub->http, "X-Linked-Size");
  if (commit && !facts->commit[0]) keep(facts->commit, sizeof facts->commit, commit);
  if (linked) {
    keep_etag(facts, linked);
  } else if (etag && !leads_on && !facts->etag[0]) {
    keep_etag(facts, etag);
  }
  if (!size && !leads_on && !facts->has_size) size = c2_http_header(hub->http, "Content-Length");
  if (size) keep_size(facts, size);
}

static bool is_redirect(int code) {
  return code == 301 || code == 302 || code == 303 || code == 307 || code == 308;
}

/* Sends a request and follows where it leads. The token goes to the hub alone. The headers of a file that lies
 * elsewhere are the hub's, so those of the other place are not asked for. */
static c2_status try_once(c2_hub *hub, const c2_question *q, transfer *t, c2_file_facts *facts, int *code, bool *again,
                          c2_error *err) {
  char *url = c2_strdup(q->url);
  c2_status status = url ? C2_OK : c2_fail(err, C2_ERR_MEMORY, "cannot allocate a URL");
  for (int hops = 0; status == C2_OK; hops++) {
    bool at_home = c2_http_same_origin(url, hub->endpoint);
    c2_http_request request = {.url = url,
                               .token = at_home ? hub->token : NULL,
                               .head = !q->receiver,
                               .from = t->from,
                               .patience = q->receiver ? hub->download_timeout : hub->etag_timeout,
                               .limit = q->receiver ? 0 : hub->etag_timeout,
                               .receive = q->receiver ? receive : NULL,
                               .context = t};
    C2_GOTO(c2_http_send(hub->http, &request, code, again, err));
    const char *location = is_redirect(*code) ? c2_http_header(hub->http, "Location") : NULL;
    if (at_home || !location) take_facts(hub, location != NULL, facts);
    if (!location) break;
    if (hops == MOST_HOPS) C2_GOTO(c2_fail(err, C2_ERR_IO, "%s: %s: too many redirects", q->repo->name, what_of(q)));
    char *next = NULL;
    C2_GOTO(c2_http_follow(url, location, &next, err));
    bool enough = !q->receiver && facts->etag[0] && facts->commit[0] && !c2_http_same_origin(next, hub->endpoint);
    free(url);
    url = next;
    if (enough) {
      *code = 200;
      break;
    }
  }
fail:
  free(url);
  return status;
}

/* The file is not there, though its repository is. */
static bool is_missing(const c2_hub *hub, const c2_question *q, int code) {
  const char *error = c2_http_header(hub->http, "X-Error-Code");
  return code == 404 && q->file && (error ? strcmp(error, "EntryNotFound") == 0 : q->is_known);
}

static c2_status ask(c2_hub *hub, const c2_question *q, c2_file_facts *facts, bool *found, c2_error *err) {
  uint64_t last = q->receiver ? q->receiver->size : 0;
  for (int tries = 1;; tries++) {
    c2_error why = {.code = C2_OK};
    bool again = false;
    int code = 0;
    transfer t = {.hub = hub, .receiver = q->receiver, .from = q->receiver ? q->receiver->size : 0};
    memset(facts, 0, sizeof *facts);
    c2_status status = try_once(hub, q, &t, facts, &code, &again, &why);
    if (status != C2_OK && !again && !t.misplaced) return c2_fail(err, why.code, "%s", why.text);
    if (status == C2_OK && (code == 200 || code == 206)) {
      return q->receiver && !t.begun ? begin(&t, code, err) : C2_OK; /* an empty body */
    }
    if (status == C2_OK && is_missing(hub, q, code)) {
      *found = false;
      return C2_OK;
    }
    if (status == C2_OK && code == 416 && t.from > 0) { /* more is there than the file has */
      C2_TRY(q->receiver->restart(q->receiver, err));
    } else if (status == C2_OK && !passes(code)) {
      return refuse(hub, q, code, err);
    }
    if (q->receiver && q->receiver->size >= last + PROGRESS) {
      last = q->receiver->size;
      tries = 1;
    }
    C2_TRY(wait(hub, q, tries, status == C2_OK ? code : 0, &why, err));
  }
}

c2_status c2_hub_ask(c2_hub *hub, const c2_question *question, c2_file_facts *facts, bool *found, c2_error *err) {
  c2_file_facts ignored;
  *found = true;
  if (!hub->http) C2_TRY(c2_http_open(&hub->http, err));
  return ask(hub, question, facts ? facts : &ignored, found, err);
}

/* ---- Texts ------------------------------------------------------------------------------------- */

typedef struct text_receiver {
  c2_receiver receiver;
  char *text;
  size_t capacity, limit;
} text_receiver;

static c2_status restart_text(c2_receiver *receiver, c2_error *err) {
  (void)err;
  receiver->size = 0;
  return C2_OK;
}

static c2_status add_text(c2_receiver *receiver, const char *bytes, size_t size, c2_error *err) {
  text_receiver *t = (text_receiver *)receiver; /* its first member */
  if (size > t->limit - receiver->size) C2_FAIL(err, C2_ERR_FORMAT, "the hub sends more than %zu bytes", t->limit);
  C2_TRY(c2_grow_array(&t->text, &t->capacity, receiver->size + size + 1, 1, err));
  memcpy(t->text + receiver->size, bytes, size);
  return C2_OK;
}

c2_status c2_hub_get_text(c2_hub *hub, const c2_repo *repo, const char *url, size_t limit, c2_hub_text *text,
                          c2_error *err) {
  text_receiver t = {.receiver = {.restart = restart_text, .add = add_text}, .limit = limit};
  const c2_question question = {.repo = repo, .url = url, .receiver = &t.receiver};
  bool found = false;
  c2_status status = c2_hub_ask(hub, &question, NULL, &found, err);
  if (status == C2_OK) status = c2_grow_array(&t.text, &t.capacity, t.receiver.size + 1, 1, err);
  if (status == C2_OK) t.text[t.receiver.size] = '\0';
  *text = (c2_hub_text){t.text, t.receiver.size};
  return status;
}

/* ---- URLs -------------------------------------------------------------------------------------- */

c2_status c2_hub_next_page(const c2_hub *hub, const char *url, char **next, c2_error *err) {
  const char *link = c2_http_header(hub->http, "Link");
  *next = NULL;
  if (!link || *link != '<' || !strstr(link, "rel=\"next\"")) return C2_OK;
  char *target = c2_strndup(link + 1, strcspn(link + 1, ">"));
  if (!target) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a URL");
  c2_status status = c2_http_follow(url, target, next, err);
  free(target);
  return status;
}

c2_status c2_hub_escape(const char *path, bool keep_slashes, char **out, c2_error *err) {
  static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.~";
  C2_TRY(c2_alloc_array(3 * strlen(path) + 1, 1, out, err));
  char *to = *out;
  for (const char *c = path; *c; c++) {
    if (strchr(plain, *c) || (keep_slashes && *c == '/')) {
      *to++ = *c;
    } else {
      to += sprintf(to, "%%%02X", (unsigned)(unsigned char)*c);
    }
  }
  *to = '\0';
  return C2_OK;
}

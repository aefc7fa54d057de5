/* HTTP by libcurl. Proxies are those of the environment (https_proxy, no_proxy), as libcurl reads it. */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/memory.h"
#include "hub/http.h"
#include "version.h"

enum { MOST_HEADERS = 64 * 1024 };

struct c2_http {
  CURL *curl;
  char *headers; /* lines "name: value" of the last reply, each with a zero behind it: [size] */
  size_t size, capacity;
  bool overflow;
  const c2_http_request *request; /* while one is sent */
  c2_error *err;
  c2_status received; /* what the receiver said */
  bool dropped;       /* the body of a reply that is none of the receiver's business */
};

c2_status c2_http_open(c2_http **out, c2_error *err) {
  *out = NULL;
  if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) C2_FAIL(err, C2_ERR_UNSUPPORTED, "libcurl does not start");
  c2_http *http = calloc(1, sizeof *http);
  if (http) http->curl = curl_easy_init();
  if (!http || !http->curl) {
    free(http);
    curl_global_cleanup();
    C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a connection");
  }
  *out = http;
  return C2_OK;
}

void c2_http_close(c2_http **http) {
  if (!*http) return;
  curl_easy_cleanup((*http)->curl);
  free((*http)->headers);
  free(*http);
  *http = NULL;
  curl_global_cleanup();
}

/* ---- What comes back --------------------------------------------------------------------------- */

static size_t take_header(char *line, size_t unit, size_t count, void *context) {
  c2_http *http = context;
  size_t size = unit * count;
  if (size >= 5 && strncmp(line, "HTTP/", 5) == 0) http->size = 0; /* one reply may follow another: 100, then 200 */
  if (http->size + size + 1 > MOST_HEADERS) {
    http->overflow = true;
    return 0;
  }
  if (c2_grow_array(&http->headers, &http->capacity, http->size + size + 1, 1, NULL) != C2_OK) return 0;
  size_t n = size;
  while (n > 0 && (line[n - 1] == '\n' || line[n - 1] == '\r')) n--;
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)line[i];
    http->headers[http->size + i] = line[i];
    if (c < ' ' || c == 0x7f) http->headers[http->size + i] = '?';
  }
  http->headers[http->size + n] = '\0';
  http->size += n + 1;
  return size;
}

const char *c2_http_header(const c2_http *http, const char *name) {
  size_t n = strlen(name);
  for (const char *line = http->headers; line < http->headers + http->size; line += strlen(line) + 1) {
    if (strncasecmp(line, name, n) == 0 && line[n] == ':') return line + n + 1 + strspn(line + n + 1, " ");
  }
  return NULL;
}

static size_t take_body(char *bytes, size_t unit, size_t count, void *context) {
  c2_http *http = context;
  long code = 0;
  size_t size = unit * count;
  (void)curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &code);
  http->dropped = code != 200 && code != 206;
  if (http->dropped || !http->request->receive) return 0; /* ends the transfer */
  http->received = http->request->receive(http->request->context, (int)code, bytes, size, http->err);
  return http->received == C2_OK ? size : 0;
}

/* ---- Sending ----------------------------------------------------------------------------------- */

/* Where certificates are that others than the system trusts: of a company's proxy, say. */
static const char *certificates(void) {
  static const char *const names[] = {"SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"};
  for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
    const char *value = getenv(names[i]);
    if (value && *value) return value;
  }
  return NULL;
}

static bool add_line(struct curl_slist **lines, const char *line) {
  struct curl_slist *longer = curl_slist_append(*lines, line);
  if (longer) *lines = longer;
  return longer != NULL;
}

static bool make_lines(const c2_http_request *r, struct curl_slist **lines) {
  char range[64];
  char authorization[4096];
  (void)snprintf(range, sizeof range, "Range: bytes=%llu-", (unsigned long long)r->from);
  int n = snprintf(authorization, sizeof authorization, "Authorization: Bearer %s", r->token ? r->token : "");
  if (r->token && (n < 0 || (size_t)n >= sizeof authorization)) return false;
  return add_line(lines, "Accept-Encoding: identity") && (r->from == 0 || add_line(lines, range)) &&
         (!r->token || add_line(lines, authorization));
}

static void set_options(c2_http *http, const c2_http_request *r, struct curl_slist *lines, char *reason) {
  CURL *c = http->curl;
  curl_easy_reset(c);
  (void)curl_easy_setopt(c, CURLOPT_URL, r->url);
  (void)curl_easy_setopt(c, CURLOPT_FOLLOWLOCATION, 0L);
  (void)curl_easy_setopt(c, CURLOPT_NOSIGNAL, 1L);
  (void)curl_easy_setopt(c, CURLOPT_USERAGENT, "chronos2/" C2_VERSION);
  (void)curl_easy_setopt(c, CURLOPT_HTTPHEADER, lines);
  (void)curl_easy_setopt(c, CURLOPT_ERRORBUFFER, reason);
  (void)curl_easy_setopt(c, CURLOPT_CONNECTTIMEOUT_MS, (long)(1000 * r->patience));
  (void)curl_easy_setopt(c, CURLOPT_LOW_SPEED_LIMIT, 64L); /* bytes a second: a trickle is no progress */
  (void)curl_easy_setopt(c, CURLOPT_LOW_SPEED_TIME, (long)(r->patience > 1 ? r->patience : 1));
  (void)curl_easy_setopt(c, CURLOPT_TIMEOUT_MS, (long)(1000 * r->limit));
  (void)curl_easy_setopt(c, CURLOPT_NOBODY, r->head ? 1L : 0L);
  (void)curl_easy_setopt(c, CURLOPT_HEADERFUNCTION, take_header);
  (void)curl_easy_setopt(c, CURLOPT_HEADERDATA, http);
  (void)curl_easy_setopt(c, CURLOPT_WRITEFUNCTION, take_body);
  (void)curl_easy_setopt(c, CURLOPT_WRITEDATA, http);
  if (certificates()) (void)curl_easy_setopt(c, CURLOPT_CAINFO, certificates());
}

/* Failures that another try may not meet. A name that can't be resolved and a host that refuses are not among them:
 * there is no network, or no such hub, and the user should not have to wait for that word. */
static bool may_pass(CURLcode result) {
  switch (result) {
    case CURLE_OPERATION_TIMEDOUT:
    case CURLE_PARTIAL_FILE:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
    case CURLE_GOT_NOTHING:
    case CURLE_HTTP2:
    case CURLE_HTTP2_STREAM:
    case CURLE_SSL_CONNECT_ERROR: return true;
    default: return false;
  }
}

static c2_status failed(c2_http *http, const c2_http_request *request, CURLcode result, const char *reason, bool *again,
                        c2_error *err) {
  char url[C2_SHOWN_ROOM];
  if (http->received != C2_OK) return http->received;
  c2_http_show(request->url, url);
  if (http->overflow) C2_FAIL(err, C2_ERR_FORMAT, "%s: headers of more than %d bytes", url, MOST_HEADERS);
  if (result == CURLE_OUT_OF_MEMORY) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a connection");
  *again = may_pass(result);
  C2_FAIL(err, C2_ERR_IO, "%s: %s", url, *reason ? reason : curl_easy_strerror(result));
}

c2_status c2_http_send(c2_http *http, const c2_http_request *request, int *code, bool *again, c2_error *err) {
  char reason[CURL_ERROR_SIZE] = "";
  struct curl_slist *lines = NULL;
  long got = 0;
  *again = false;
  http->size = 0;
  http->overflow = false;
  http->dropped = false;
  http->request = request;
  http->err = err;
  http->received = C2_OK;
  if (!make_lines(request, &lines)) {
    curl_slist_free_all(lines);
    C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate the headers of a request");
  }
  set_options(http, request, lines, reason);
  CURLcode result = curl_easy_perform(http->curl);
  curl_slist_free_all(lines);
  (void)curl_easy_getinfo(http->curl, CURLINFO_RESPONSE_CODE, &got);
  *code = (int)got;
  if (result == CURLE_OK || (result == CURLE_WRITE_ERROR && http->dropped)) return C2_OK;
  return failed(http, request, result, reason, again, err);
}

/* ---- URLs -------------------------------------------------------------------------------------- */

c2_status c2_http_follow(const char *url, const char *location, char **out, c2_error *err) {
  char *whole = NULL;
  *out = NULL;
  CURLU *u = curl_url();
  if (!u) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a URL");
  bool good = curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_set(u, CURLUPART_URL, location, 0) == CURLUE_OK &&
              curl_url_get(u, CURLUPART_URL, &whole, 0) == CURLUE_OK;
  curl_url_cleanup(u);
  good = good && (strncmp(whole, "https://", 8) == 0 || (strncmp(whole, "http://", 7) == 0));
  bool weaker = good && strncmp(url, "https://", 8) == 0 && strncmp(whole, "https://", 8) != 0;
  if (good && !weaker) *out = c2_strdup(whole);
  curl_free(whole);
  char from[C2_SHOWN_ROOM];
  char to[C2_SHOWN_ROOM];
  c2_http_show(url, from);
  c2_http_show(location, to);
  if (weaker) C2_FAIL(err, C2_ERR_IO, "%s leads from https to http: '%s'", from, to);
  if (!good) C2_FAIL(err, C2_ERR_IO, "%s leads to '%s': expected a URL of http or https", from, to);
  if (!*out) C2_FAIL(err, C2_ERR_MEMORY, "cannot allocate a URL");
  return C2_OK;
}

/* A part of a URL; *part is NULL if it has none, or is no URL. */
static void get_part(const char *url, CURLUPart what, char **part) {
  CURLU *u = curl_url();
  *part = NULL;
  if (u && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK) {
    (void)curl_url_get(u, what, part, what == CURLUPART_PORT ? CURLU_DEFAULT_PORT : 0);
  }
  curl_url_cleanup(u);
}

bool c2_http_same_origin(const char *a, const char *b) {
  static const CURLUPart parts[] = {CURLUPART_SCHEME, CURLUPART_HOST, CURLUPART_PORT};
  bool same = true;
  for (size_t i = 0; same && i < sizeof parts / sizeof parts[0]; i++) {
    char *of_a = NULL;
    char *of_b = NULL;
    get_part(a, parts[i], &of_a);
    get_part(b, parts[i], &of_b);
    same = of_a && of_b && strcasecmp(of_a, of_b) == 0;
    curl_free(of_a);
    curl_free(of_b);
  }
  return same;
}

/* What stands in for HTTP where the program was built without libcurl: the cache can be read, nothing downloaded. */
#include "hub/http.h"

c2_status c2_http_open(c2_http **http, c2_error *err) {
  *http = NULL;
  C2_FAIL(err, C2_ERR_UNSUPPORTED,
          "this program was built without libcurl and can't download; 'scripts/setup.sh build' brings it "
          "(libcurl4-openssl-dev), then build again");
}

void c2_http_close(c2_http **http) {
  *http = NULL;
}

c2_status c2_http_send(c2_http *http, const c2_http_request *request, int *code, bool *again, c2_error *err) {
  (void)http;
  (void)request;
  *code = 0;
  *again = false;
  return c2_http_open(&http, err);
}

const char *c2_http_header(const c2_http *http, const char *name) {
  (void)http;
  (void)name;
  return NULL;
}

c2_status c2_http_follow(const char *url, const char *location, char **out, c2_error *err) {
  (void)url;
  (void)location;
  *out = NULL;
  return c2_http_open(&(c2_http *){NULL}, err);
}

bool c2_http_same_origin(const char *a, const char *b) {
  (void)a;
  (void)b;
  return false;
}

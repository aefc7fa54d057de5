/* Connections of `chronos2 serve` that take too long, end early, or are cut at the end of the server. */
#include "serving.h"

#include "serve/web.h"

static const char half[] =
    "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
    "5000\r\n\r\n{\"inputs\"";

/* Clients that send a byte now and then lose their connection, and nobody else notices. */
static void test_slow_clients(void **state) {
  enum { SLOW = 20 };
  static const char head[] =
      "POST /invocations HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: "
      "5000\r\n\r\n{";
  int fd[SLOW];
  size_t open = SLOW;
  (void)state;
  serving s = serving_start((const char *const[]){"--timeout", "3", NULL});
  for (size_t i = 0; i < SLOW; i++) {
    fd[i] = serving_connect(&s);
    assert_true(fd[i] >= 0);
    if (i % 2) assert_true(serving_send(fd[i], head, sizeof head - 1));
  }
  for (int round = 0; round < 2400 && open > 0; round++) {
    serving_sleep(0.05);
    for (size_t i = 0; i < SLOW; i++) {
      char text[2048] = "";
      if (fd[i] < 0) continue;
      (void)serving_send(fd[i], i % 2 ? " " : "G", 1);
      if (recv(fd[i], text, sizeof text - 1, MSG_DONTWAIT) < 0 && errno == EAGAIN) continue;
      assert_non_null(strstr(text, "HTTP/1.1 408 Request Timeout\r\n"));
      assert_non_null(strstr(text, "\"code\":\"408\""));
      close(fd[i]);
      fd[i] = -1;
      open--;
    }
    if (round % 8) continue;
    reply r = serving_post(&s, "/invocations", ONE "}]}");
    serving_assert(&r, 200, "predictions");
  }
  assert_int_equal(open, 0);
  reply r = serving_request(&s, "GET", "/metrics", "", NULL);
  serving_assert(&r, 200, "status=\"408\"} 10\n");
  assert_int_equal(serving_stop(&s), 0);
}

/* Of a connection that is kept, too, a head that comes too slowly is answered. */
static void test_slow_next(void **state) {
  static const char begun[] = "GET /ping HTTP/1.1\r\nHost: x\r\n";
  (void)state;
  serving s = serving_start((const char *const[]){"--timeout", "3", NULL});
  int fd = serving_connect(&s);
  assert_true(fd >= 0 && serving_ask(fd, "GET", "/ping", "", NULL));
  reply r = serving_read(fd);
  serving_assert(&r, 200, "true");
  assert_true(serving_send(fd, begun, sizeof begun - 1));
  r = serving_read(fd);
  serving_assert(&r, 408, "the request did not arrive in time");
  close(fd);
  serving_wait(&s, "chronos2_requests_total{route=\"none\",status=\"408\"} 1\n");
  assert_int_equal(serving_stop(&s), 0);
}

/* Whoever doesn't take an answer is gone: nothing has told it that its request was late. */
static void test_slow_reader(void **state) {
  enum { ID = 12 << 20 }; /* more than the system takes for a client that doesn't read */
  char *log = NULL;
  char *body = malloc(ID + 100);
  (void)state;
  assert_non_null(body);
  (void)snprintf(body, ID + 100, "{\"inputs\":[{\"target\":[1,2,3],\"item_id\":\"%0*d\"}]}", (int)ID, 7);
  serving s = serving_start((const char *const[]){"--timeout", "3", "--max-body", "16", NULL});
  int fd = serving_connect(&s);
  assert_true(fd >= 0 && serving_ask(fd, "POST", "/invocations", "", body));
  serving_wait(&s, "\nchronos2_series_total 1\n");
  serving_wait_idle(&s);
  reply r = serving_request(&s, "GET", "/metrics", "", NULL);
  assert_int_equal(r.status, 200);
  assert_null(strstr(r.body, "status=\"408\""));
  free(r.body);
  close(fd);
  assert_int_equal(serving_end(&s, &log), 0);
  assert_null(strstr(log, "\"status\":408"));
  const char *gone = strstr(log, "\"event\":\"client_gone\"");
  if (!gone || !strstr(gone, "\"path\":\"/invocations\",\"status\":0,")) fail_msg("%s", log);
  free(log);
  free(body);
}

/* Clients that leave within a body hold nothing, long before it is late. */
static void test_gone(void **state) {
  enum { GONE = 40 };
  (void)state;
  serving s = serving_start(NULL);
  for (int i = 0; i < GONE; i++) {
    int fd = serving_connect(&s);
    assert_true(fd >= 0 && serving_send(fd, half, sizeof half - 1));
    close(fd);
  }
  serving_wait_idle(&s);
  assert_int_equal(serving_stop(&s), 0);
}

/* Beyond the grace a request that is still arriving is given up at once, and its client is told, as the log is. */
static void test_cancel_body(void **state) {
  char id[33];
  char line[80];
  char *log = NULL;
  (void)state;
  serving s = serving_start((const char *const[]){"--grace", "0.3", NULL});
  int fd = serving_connect(&s);
  assert_true(fd >= 0 && serving_send(fd, half, sizeof half - 1));
  serving_wait(&s, "\nchronos2_requests_active 2\n"); /* it and the one that asks */
  assert_int_equal(serving_end(&s, &log), 0);
  reply r = serving_read(fd);
  const char *at = strstr(r.head, "\r\nX-Request-Id: ");
  if (!at || !strstr(r.head, "\r\nRetry-After: 1\r\n")) fail_msg("%s", r.head);
  assert_int_equal(sscanf(at, "\r\nX-Request-Id: %32[0-9a-f]", id), 1);
  (void)snprintf(line, sizeof line, "\"event\":\"request\",\"id\":\"%s\"", id);
  if (!strstr(log, line)) fail_msg("expected %s in %s", line, log);
  serving_assert(&r, 503, "the server is shutting down");
  close(fd);
  free(log);
}

/* A request whose head is still arriving when the last forecast is over is told so, not cut. */
static void test_head_at_the_end(void **state) {
  static const char first[] = "GET /v1/timeseries/models HTTP/1.1\r\n";
  static const char rest[] = "Host: x\r\n\r\n";
  char *log = NULL;
  (void)state;
  serving s = serving_start((const char *const[]){NULL});
  int fd = serving_connect(&s);
  assert_true(fd >= 0 && serving_send(fd, first, sizeof first - 1));
  assert_int_equal(kill(s.child, SIGTERM), 0);
  bool ends = false;
  for (int i = 0; i < 6000 && !ends; i++) {
    char *said = program_read_file(s.log);
    ends = said && strstr(said, "\"event\":\"draining\"");
    free(said);
    if (!ends) serving_sleep(0.01);
  }
  assert_true(ends);
  assert_true(serving_send(fd, rest, sizeof rest - 1));
  reply r = serving_read(fd);
  serving_assert(&r, 503, "the server is shutting down");
  close(fd);
  assert_int_equal(serving_end(&s, &log), 0);
  assert_null(strstr(log, "\"event\":\"client_gone\""));
  free(log);
}

int main(void) {
  const char *how = NULL;
  const struct CMUnitTest tests[] = {cmocka_unit_test(test_slow_clients), cmocka_unit_test(test_slow_next),
                                     cmocka_unit_test(test_slow_reader), cmocka_unit_test(test_gone),
                                     cmocka_unit_test(test_cancel_body), cmocka_unit_test(test_head_at_the_end)};
  if (!c2_web_available(&how)) return 0; /* test_serve says so */
  return cmocka_run_group_tests(tests, NULL, NULL);
}

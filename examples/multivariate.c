/* Two targets of one series, forecast jointly. */
#include <chronos2.h>
#include <math.h>
#include <stdio.h>

enum { TARGETS = 2, LENGTH = 96, HORIZON = 4 };

int main(int argc, char **argv) {
  static const char *const names[TARGETS] = {"load", "temperature"};
  double values[TARGETS][LENGTH];
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  chronos2_forecast *forecast = NULL;
  for (int t = 0; t < LENGTH; t++) {
    values[1][t] = 12 + 8 * sin(t * 6.2831853 / 24);
    values[0][t] = 100 - 2 * values[1][t];
  }

  chronos2_series series = {.length = LENGTH, .targets = TARGETS, .target = values[0]};
  chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON, .monotone = true};
  int failed = chronos2_model_open(argc > 1 ? argv[1] : "models/chronos2-micro", NULL, &model) ||
               chronos2_session_open(model, NULL, &session) ||
               chronos2_predict(session, &series, 1, &options, &forecast);
  if (failed) fprintf(stderr, "%s\n", chronos2_last_error());
  for (size_t i = 0; i < TARGETS && !failed; i++) {
    printf("%s", names[i]);
    for (int t = 0; t < HORIZON; t++) printf(" %.1f", chronos2_forecast_median(forecast, 0, i)[t]);
    printf("\n");
  }
  chronos2_forecast_free(&forecast);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
  return failed != 0;
}

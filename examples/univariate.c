/* Forecasts one series: cc univariate.c $(pkg-config --cflags --libs chronos2) -lm && ./a.out MODEL
   docs/c.md says how pkg-config and a.out find the library. */
#include <chronos2.h>
#include <math.h>
#include <stdio.h>

enum { LENGTH = 120, HORIZON = 6 };

int main(int argc, char **argv) {
  double sales[LENGTH];
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  chronos2_forecast *forecast = NULL;
  for (int t = 0; t < LENGTH; t++) sales[t] = 20 + 5 * sin(t * 6.2831853 / 12) + 0.05 * t;
  sales[17] = (double)NAN; /* missing */

  chronos2_series series = {.length = LENGTH, .targets = 1, .target = sales};
  chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
  int failed = chronos2_model_open(argc > 1 ? argv[1] : "models/chronos2-micro", NULL, &model) ||
               chronos2_session_open(model, NULL, &session) ||
               chronos2_predict(session, &series, 1, &options, &forecast);
  if (failed) {
    fprintf(stderr, "%s\n", chronos2_last_error());
  } else {
    const double levels[] = {0.1, 0.5, 0.9};
    double values[HORIZON][3];
    failed = chronos2_forecast_at_levels(forecast, 0, 0, levels, 3, values[0]) != CHRONOS2_OK;
    printf("step    0.1    0.5    0.9\n");
    for (int t = 0; t < HORIZON && !failed; t++) {
      printf("%4d %6.2f %6.2f %6.2f\n", t + 1, values[t][0], values[t][1], values[t][2]);
    }
  }
  chronos2_forecast_free(&forecast);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
  return failed != 0;
}

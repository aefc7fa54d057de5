/* A series with a numeric covariate of which only the past is known, and a category known into the future. */
#include <chronos2.h>
#include <math.h>
#include <stdio.h>

enum { LENGTH = 112, HORIZON = 7 };

static const char *day_of(int t) {
  return t % 7 < 5 ? "workday" : "weekend";
}

int main(int argc, char **argv) {
  double visits[LENGTH];
  double rain[LENGTH];
  const char *day[LENGTH];
  const char *next_days[HORIZON];
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  chronos2_forecast *forecast = NULL;
  for (int t = 0; t < LENGTH; t++) {
    rain[t] = fmax(0, sin(t * 1.7) + sin(t * 0.6));
    day[t] = day_of(t);
    visits[t] = (t % 7 < 5 ? 40 : 90) - 8 * rain[t];
  }
  for (int t = 0; t < HORIZON; t++) next_days[t] = day_of(LENGTH + t);

  chronos2_covariate covariates[] = {{.name = "rain", .past = rain},
                                     {.name = "day", .past_text = day, .future_text = next_days}};
  chronos2_series series = {.length = LENGTH, .targets = 1, .target = visits, .covariates = 2, .covariate = covariates};
  chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
  int failed = chronos2_model_open(argc > 1 ? argv[1] : "models/chronos2-micro", NULL, &model) ||
               chronos2_session_open(model, NULL, &session) ||
               chronos2_predict(session, &series, 1, &options, &forecast);
  if (failed) fprintf(stderr, "%s\n", chronos2_last_error());
  for (int t = 0; t < HORIZON && !failed; t++) {
    printf("%s %.1f\n", next_days[t], chronos2_forecast_median(forecast, 0, 0)[t]);
  }
  chronos2_forecast_free(&forecast);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
  return failed != 0;
}

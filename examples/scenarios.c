/* What if? One past, encoded once; a forecast for each plan: on how many of the next days is there a promotion? That
 * takes weights trained under windowed_future_global, as chronos2-micro-r8's are: their pattern is the default. */
#include <chronos2.h>
#include <math.h>
#include <stdio.h>

enum { LENGTH = 160, HORIZON = 5, SCENARIOS = 3 };

int main(int argc, char **argv) {
  static const int plan[SCENARIOS] = {0, 2, 5}; /* days */
  double sales[LENGTH];
  double promotion[LENGTH];
  double next[HORIZON];
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  chronos2_context *context = NULL;
  for (int t = 0; t < LENGTH; t++) {
    promotion[t] = t * 7 % 11 < 3;
    sales[t] = 40 + 25 * promotion[t] + sin(t);
  }

  chronos2_covariate covariate = {.name = "promotion", .past = promotion, .future = next};
  chronos2_series series = {.length = LENGTH, .targets = 1, .target = sales, .covariates = 1, .covariate = &covariate};
  int failed = chronos2_model_open(argc > 1 ? argv[1] : "models/chronos2-micro-r8", NULL, &model) ||
               chronos2_session_open(model, NULL, &session) ||
               chronos2_context_open(session, &series, 1, NULL, &context);
  for (int s = 0; s < SCENARIOS && !failed; s++) {
    chronos2_forecast *forecast = NULL;
    chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
    for (int t = 0; t < HORIZON; t++) next[t] = t < plan[s];
    failed = chronos2_context_predict(session, context, &series, 1, &options, &forecast) != CHRONOS2_OK;
    if (!failed) {
      const double *sales_next = chronos2_forecast_median(forecast, 0, 0);
      double sum = 0;
      for (int t = 0; t < HORIZON; t++) sum += sales_next[t];
      printf("%d days of promotion: %.3f sold\n", plan[s], sum);
    }
    chronos2_forecast_free(&forecast);
  }
  if (failed) fprintf(stderr, "%s\n", chronos2_last_error());
  chronos2_context_close(&context);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
  return failed != 0;
}

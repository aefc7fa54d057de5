/* A stranger's program: ten lines against the installed library. argv[1] is a model folder. */
#include <chronos2.h>
#include <math.h>
#include <stdio.h>

int main(int argc, char **argv) {
  double values[240];
  for (int i = 0; i < 240; i++) values[i] = 100.0 + 10.0 * sin(i * 0.2617993877991494); /* period 24 */
  chronos2_model *model = NULL;
  chronos2_session *session = NULL;
  chronos2_forecast *forecast = NULL;
  chronos2_series series = {.length = 240, .targets = 1, .target = values};
  chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = 24};
  int status = 1;
  if (argc == 2 && chronos2_model_open(argv[1], NULL, &model) == CHRONOS2_OK &&
      chronos2_session_open(model, NULL, &session) == CHRONOS2_OK &&
      chronos2_predict(session, &series, 1, &options, &forecast) == CHRONOS2_OK) {
    double median = (double)chronos2_forecast_median(forecast, 0, 0)[23];
    printf("%s %.9g\n", chronos2_version(), median);
    status = isfinite(median) && median > 50.0 && median < 150.0 ? 0 : 3;
  } else {
    fprintf(stderr, "%s\n", chronos2_last_error());
  }
  chronos2_forecast_free(&forecast);
  chronos2_session_close(&session);
  chronos2_model_close(&model);
  return status;
}

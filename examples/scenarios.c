/* What if? One past, encoded once; a forecast for each plan: on how many of the next days is there a promotion?
 *
 * A past that is encoded once can't know the plan. For weights that were trained so (chronos2-micro-r8) no cost of that
 * was found. Weights that were trained with full attention (chronos2-micro) see a future of which nothing is known in
 * its place, the null future, and take less from the plan. chronos2_predict gives them the plan, and encodes the past
 * anew. */
#include <chronos2.h>
#include <math.h>
#include <stdio.h>

enum { LENGTH = 160, HORIZON = 5, SCENARIOS = 3 };

static const int plan[SCENARIOS] = {0, 2, 5}; /* days */
static double sales[LENGTH], promotion[LENGTH], next[HORIZON];

static double sum_of(const chronos2_forecast *forecast) {
  const double *median = chronos2_forecast_median(forecast, 0, 0);
  double sum = 0;
  for (int t = 0; t < HORIZON; t++) sum += median[t];
  return sum;
}

/* What is sold under each plan: the past encoded once, and for comparison anew. 0 if all went well. */
static int try_plans(chronos2_session *session) {
  chronos2_covariate covariate = {.name = "promotion", .past = promotion, .future = next};
  chronos2_series series = {.length = LENGTH, .targets = 1, .target = sales, .covariates = 1, .covariate = &covariate};
  chronos2_predict_options options = {CHRONOS2_PREDICT_OPTIONS_INIT, .horizon = HORIZON};
  chronos2_context *context = NULL;
  int failed = chronos2_context_open(session, &series, 1, &options, &context) != CHRONOS2_OK;
  for (int s = 0; s < SCENARIOS && !failed; s++) {
    chronos2_forecast *once = NULL;
    chronos2_forecast *anew = NULL;
    for (int t = 0; t < HORIZON; t++) next[t] = t < plan[s];
    failed = chronos2_context_predict(session, context, &series, 1, &options, &once) != CHRONOS2_OK ||
             chronos2_predict(session, &series, 1, &options, &anew) != CHRONOS2_OK;
    if (!failed) {
      printf("%d days of promotion: %.3f sold (past encoded anew: %.3f; truth: %d)\n", plan[s], sum_of(once),
             sum_of(anew), 40 * HORIZON + 25 * plan[s]);
    }
    chronos2_forecast_free(&once);
    chronos2_forecast_free(&anew);
  }
  chronos2_context_close(&context);
  return failed;
}

int main(int argc, char **argv) {
  const char *models[] = {"models/chronos2-micro-r8", "models/chronos2-micro"};
  int count = 2;
  if (argc > 1) {
    models[0] = argv[1];
    count = 1;
  }
  for (int t = 0; t < LENGTH; t++) {
    promotion[t] = t * 7 % 11 < 3;
    sales[t] = 40 + 25 * promotion[t] + sin(t);
  }
  for (int m = 0; m < count; m++) {
    chronos2_model *model = NULL;
    chronos2_session *session = NULL;
    int failed = chronos2_model_open(models[m], NULL, &model) || chronos2_session_open(model, NULL, &session);
    if (!failed) {
      printf("%s, trained for %s\n", models[m], chronos2_attention_name(chronos2_session_pattern(session).attention));
      failed = try_plans(session);
    }
    if (failed) fprintf(stderr, "%s\n", chronos2_last_error());
    chronos2_session_close(&session);
    chronos2_model_close(&model);
    if (failed) return 1;
  }
  return 0;
}

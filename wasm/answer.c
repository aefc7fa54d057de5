#include "answer.h"

#include <stdlib.h>

c2_status c2_answer_options(const c2_json_document *doc, const c2_json *object, const char *const *known,
                            c2_error *err) {
  if (!c2_json_is(object, C2_JSON_OBJECT)) {
    return c2_json_fail(doc, object, err, "expected an object of options, found %s", c2_json_type_name(object));
  }
  return c2_json_refuse_others(doc, object, known, err);
}

/* ---- Writing ---------------------------------------------------------------------------------- */

c2_status c2_answer_open(c2_answer_writer *w, c2_error *err) {
  *w = (c2_answer_writer){.json = {.compact = true}};
  w->json.out = open_memstream(&w->text, &w->size);
  if (!w->json.out) C2_FAIL(err, C2_ERR_MEMORY, "out of memory");
  c2_json_begin_object(&w->json, NULL);
  return C2_OK;
}

c2_status c2_answer_close(c2_answer_writer *w, answer *a, c2_status status, c2_error *err) {
  c2_json_begin_array(&w->json, "warnings");
  for (size_t i = 0; i < a->set.notes; i++) c2_json_put_text(&w->json, NULL, a->set.note[i]);
  c2_json_end_array(&w->json);
  c2_json_end_object(&w->json);
  if (status == C2_OK) status = c2_json_finish(&w->json, "answer", err);
  if (fclose(w->json.out) != 0 && status == C2_OK) status = c2_fail(err, C2_ERR_MEMORY, "out of memory");
  a->text = w->text;
  return status;
}

c2_status c2_answer_stamps(c2_json_writer *json, const char *key, const c2_item *item, size_t from, size_t count,
                           c2_error *err) {
  c2_json_begin_array(json, key);
  for (size_t s = 0; s < count; s++) {
    char text[C2_TIME_ROOM];
    c2_error why;
    if (c2_item_stamp_step(item, (int64_t)(from + s), text, NULL, &why) != C2_OK) {
      C2_FAIL(err, C2_ERR_ARGUMENT, "series '%.80s': its forecast would end too late: %s", item->id, why.text);
    }
    c2_json_put_text(json, NULL, text);
  }
  c2_json_end_array(json);
  return C2_OK;
}

static c2_status put_forecasts(c2_json_writer *json, const c2_dataset *set, size_t horizon, c2_error *err) {
  c2_json_begin_array(json, "series");
  for (size_t i = 0; i < set->count; i++) {
    const c2_item *item = &set->item[i];
    c2_json_begin_object(json, NULL);
    c2_json_put_whole(json, "targets", item->targets);
    if (item->has_start && item->has_freq) {
      C2_TRY(c2_answer_stamps(json, "timestamps", item, item->length, horizon, err));
    }
    c2_json_end_object(json);
  }
  c2_json_end_array(json);
  return C2_OK;
}

c2_status c2_answer_forecast(answer *a, size_t horizon, c2_error *err) {
  c2_answer_writer w;
  C2_TRY(c2_answer_open(&w, err));
  return c2_answer_close(&w, a, put_forecasts(&w.json, &a->set, horizon, err), err);
}

/* ---- For the wrapper -------------------------------------------------------------------------- */

static c2_error failure;

c2_error *c2_answer_failure(void) {
  return &failure;
}

const char *module_error(void) {
  return failure.text;
}

const char *module_remedy(void) {
  return failure.remedy;
}

const char *module_answer_text(const answer *a) {
  return a->text;
}

const chronos2_forecast *module_answer_forecast(const answer *a) {
  return a->forecast;
}

void module_answer_free(answer *a) {
  if (!a) return;
  c2_dataset_free(&a->set);
  chronos2_forecast_free(&a->forecast);
  free(a->text);
  free(a);
}

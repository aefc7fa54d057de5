/* Names of arms, and sessions that run them. */
#include "study/measure/arm.h"

#include <stdio.h>
#include <string.h>

#include "data/series.h"

void c2_head_text(chronos2_head head, char out[C2_HEAD_ROOM]) {
  (void)snprintf(out, C2_HEAD_ROOM, "%zu:%zu", head.layer, head.head);
}

/* "full", "global", "visible", "null". */
static const char *pattern_of(const c2_arm *arm) {
  const char *name = chronos2_attention_name(arm->attention);
  const char *last = strrchr(name, '_'); /* windowed_future_... */
  return last ? last + 1 : name;
}

void c2_arm_name(const c2_arm *arm, char out[C2_ARM_ROOM]) {
  const char *model = arm->sparse_model ? "sparse_" : "";
  char radius[C2_RADIUS_ROOM];
  c2_radius_text(arm->radius, radius);
  if (arm->blindness == C2_BLIND_ONE) {
    (void)snprintf(out, C2_ARM_ROOM, "blind_%zu:%zu", arm->blind.at->layer % 100000, arm->blind.at->head % 100000);
  } else if (arm->blindness != C2_BLIND_NONE) {
    (void)snprintf(out, C2_ARM_ROOM, "ablated%s", arm->blindness == C2_BLIND_OTHERS ? "_others" : "");
  } else if (arm->attention == CHRONOS2_FULL) {
    (void)snprintf(out, C2_ARM_ROOM, "%sfull", model);
  } else {
    (void)snprintf(out, C2_ARM_ROOM, "%s%.8s_r%.12s", model, pattern_of(arm), radius);
  }
}

c2_status c2_arm_apply(const c2_arm *arm, bool reg_global, chronos2_session *session, c2_error *err) {
  double radius = arm->attention == CHRONOS2_FULL ? 0 : arm->radius;
  C2_TRY(c2_api(chronos2_session_set_attention(session, arm->attention, radius, reg_global), err));
  return c2_api(chronos2_session_set_blind_heads(session, arm->blind.at, arm->blind.count), err);
}

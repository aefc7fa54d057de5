/* An arm of a study: the weights, the attention pattern and the blind heads with which forecasts are made. */
#ifndef C2_STUDY_ARM_H
#define C2_STUDY_ARM_H

#include <chronos2.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/radius.h"
#include "base/status.h"

/* Which heads of an arm are blind to the future: none, those of --ablate, all others, or a single one
 * (--find-sinks). */
typedef enum c2_blindness { C2_BLIND_NONE, C2_BLIND_CHOSEN, C2_BLIND_OTHERS, C2_BLIND_ONE } c2_blindness;

typedef struct c2_heads {
  const chronos2_head *at; /* [count] */
  size_t count;
} c2_heads;

/* Under windowed_future_global the context is narrow, and it is blind to the future. Two other arms have one of these
 * effects each: windowed_future_global at radius inf is blind alone, and windowed_future_visible is narrow alone. Under
 * windowed_future_null the context is narrow and sees a future of which no value is known. */
typedef struct c2_arm {
  bool sparse_model; /* weights: those of --sparse-model */
  chronos2_attention attention;
  double radius; /* NAN under full attention */
  bool timed;    /* takes turns in the timed passes; the others run once */
  c2_blindness blindness;
  c2_heads blind; /* borrowed from the results */
} c2_arm;

enum { C2_ARM_ROOM = 48, C2_HEAD_ROOM = 48 };

/* Writes the name of an arm: "full", "global_r8", "visible_rinf", "sparse_full", "ablated", "ablated_others",
 * "blind_0:3". */
void c2_arm_name(const c2_arm *arm, char out[C2_ARM_ROOM]);

/* Sets a session to the arm's attention and blind heads. */
c2_status c2_arm_apply(const c2_arm *arm, bool reg_global, chronos2_session *session, c2_error *err);

/* Writes a head as "LAYER:HEAD". */
void c2_head_text(chronos2_head head, char out[C2_HEAD_ROOM]);

#endif

/* The catalogue of events, printed for people: 'agentlog help events'. */
#ifndef AGENTLOG_TOOLS_HELP_EVENTS_H
#define AGENTLOG_TOOLS_HELP_EVENTS_H

#include "output.h"

#define HELP_EVENTS_KIND_BYTES 320

/* What is said before the list. */
extern const char help_events_introduction[];

/* A field's kind, unit, range and whether it is required, in words. */
void help_events_kind(const struct alog_field *field, char kind[HELP_EVENTS_KIND_BYTES]);

/* Every event type with its fields: kind, required or not, unit, allowed range or texts. */
void help_events_print(struct output *output);

#endif

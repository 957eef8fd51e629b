/* The catalogue of events, printed for people: 'agentlog help events'. */
#ifndef AGENTLOG_TOOLS_HELP_EVENTS_H
#define AGENTLOG_TOOLS_HELP_EVENTS_H

#include "output.h"

/* Every event type with its fields: kind, required or not, unit, allowed range or texts. */
void help_events_print(struct output *output);

#endif

/* What is read out of an orchestration's correlation_insights. */
#ifndef AGENTLOG_AGGREGATOR_INSIGHTS_H
#define AGENTLOG_AGGREGATOR_INSIGHTS_H

#include <agentlog/agentlog.h>

/* Further names are not looked at. */
#define ALOG_INSIGHT_HOOKS 64u

/* The names, unescaped; they live in `text`. */
struct alog_insight_hooks {
    struct alog_string names[ALOG_INSIGHT_HOOKS];
    unsigned count;
    char text[4096];
    size_t text_used;
};

/*
 * The hooks that JSON text names as "problematic_hooks": a member of the outermost object that is
 * an array of names, an array of objects with a "hook_name", "hook" or "name", or an object whose
 * keys are names. Each name counts once. Text that is not JSON names none, or those before the
 * fault. Cost: one pass.
 */
void alog_insights_read(struct alog_string json, struct alog_insight_hooks *ret_hooks);

#endif

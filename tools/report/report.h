/* The report: one self-contained page of HTML about how the agents did. */
#ifndef AGENTLOG_TOOLS_REPORT_REPORT_H
#define AGENTLOG_TOOLS_REPORT_REPORT_H

#include <agentlog/agentlog.h>

#include "exit_codes.h"

/* How many days a report is about, unless it is told, or there are fewer with events. */
#define REPORT_DAYS 30
/* How many it may be about: the page must stay one that can be sent and read. */
#define REPORT_MOST_DAYS 731

struct report_options {
    const char *db_path;
    const char *environment;      /* NULL = production */
    const char *title;            /* NULL = a title of its own */
    struct alog_opt_i64 since_ns; /* from the day that holds it on; absent = REPORT_DAYS */
    struct alog_opt_i64 until_ns; /* to the day before it, or that holds it; absent = the last day
                                     with events, or today when that is before `since` */
    bool since_is_local;          /* they are times in the database's zone, read as UTC */
    bool until_is_local;
    int64_t now_ns;
};

/*
 * Make the page and put it whole in place of the file `path`, which is as it was until then; "-" is
 * stdout. Returns an exit code after saying on stderr what went wrong; EXIT_USAGE for a window of
 * more than REPORT_MOST_DAYS.
 */
enum exit_code report_write(const struct report_options *options, const char *path);

#endif

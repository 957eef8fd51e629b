/* Finishing dead writers before the log is read. */
#include "dead_writers.h"

#include <inttypes.h>

#include "messages.h"

void dead_writers_tell(void *context, const struct alog_recover_note *note) {
    (void)context;
    switch (note->kind) {
    case ALOG_RECOVER_DONE:
        message("recovered a killed writer, %016" PRIx64 ": %s", note->writer_id, note->message);
        break;
    case ALOG_RECOVER_LOST:
        message("of writer %016" PRIx64 ": %s", note->writer_id, note->message);
        break;
    case ALOG_RECOVER_PROBLEM:
        message("the killed writer %016" PRIx64 " is left as it is: %s", note->writer_id,
                note->message);
        break;
    }
}

bool dead_writers_whole(const struct alog_recover_report *report) {
    return report->problems == 0 && report->rings_lost == 0 && report->bytes_lost == 0 &&
           report->segments_damaged == 0;
}

bool dead_writers_leave_to_reader(enum alog_status status) {
    return status == ALOG_NOT_FOUND || status == ALOG_INVALID;
}

enum exit_code dead_writers_finish(const char *log_dir) {
    struct alog_recover_options options = ALOG_RECOVER_OPTIONS_INIT;
    struct alog_recover_report report;
    struct alog_error error = {.message = ""};
    options.tell = dead_writers_tell;
    const enum alog_status status = alog_recover(log_dir, &options, &report, &error);
    if (dead_writers_leave_to_reader(status)) {
        return EXIT_FINE;
    }
    if (status != ALOG_OK) {
        (void)message_failure(status, &error);
        return EXIT_PARTLY;
    }
    const bool whole = dead_writers_whole(&report);
    alog_recover_report_free(&report);
    return whole ? EXIT_FINE : EXIT_PARTLY;
}

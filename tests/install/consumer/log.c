/* What an agent does: log_shared LOGDIR logs one job, and prints the events that it finds there. */
#include <agentlog/reader.h>
#include <agentlog/writer.h>

#include <stdio.h>

static int fail(const char *what, const struct alog_error *error) {
    fprintf(stderr, "%s: %s\n", what, error->message);
    return 1;
}

static int log_job(const char *log_dir, struct alog_error *error) {
    struct alog_writer *writer = NULL;
    if (alog_writer_open(log_dir, NULL, &writer, error) != ALOG_OK) {
        return fail("open", error);
    }
    alog_job_begin(writer, &(struct alog_job_start){.job_id = ALOG_STR("job-1")});
    alog_log_agent_execution(writer,
                             &(struct alog_agent_execution){.agent_name = ALOG_STR("fixer"),
                                                            .issue_type = ALOG_STR("type_error"),
                                                            .success = true,
                                                            .confidence = ALOG_F64(0.9)});
    alog_job_finish(writer, &(struct alog_job_end){.status = ALOG_JOB_STATUS_SUCCESS});
    return alog_writer_close(writer, error) == ALOG_OK ? 0 : fail("close", error);
}

static int print_events(const char *path, struct alog_error *error) {
    struct alog_reader *reader = NULL;
    const struct alog_event *event = NULL;
    if (alog_reader_open(path, NULL, NULL, NULL, &reader, error) != ALOG_OK) {
        return fail("read", error);
    }
    while (alog_reader_next(reader, &event, error) == ALOG_OK && event != NULL) {
        printf("%.*s %.*s\n", (int)event->name.len, event->name.data, (int)event->job_id.len,
               event->job_id.len > 0 ? event->job_id.data : "");
    }
    alog_reader_close(reader);
    return 0;
}

int main(int argc, char **argv) {
    struct alog_error error = {.message = ""};
    struct alog_segment_list list;
    int failed = argc != 2 || log_job(argv[1], &error) != 0;
    if (failed || alog_segments_list(argv[1], &list, &error) != ALOG_OK) {
        return fail("log", &error);
    }
    for (size_t i = 0; i < list.count && !failed; i++) {
        failed = print_events(list.segments[i].path, &error);
    }
    alog_segments_free(&list);
    return failed;
}

/*
 * agent: an agent that logs what it does. It chooses how to work, asks a model, falls back to
 * another one, and fixes the issue.
 *
 *     cc agent.c -o agent $(pkg-config --cflags --libs agentlog)
 *     ./agent LOGDIR && agentlog ingest LOGDIR agents.db && agentlog job agents.db job-1
 */
#include <agentlog/writer.h>

#include <stdio.h>

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: agent LOGDIR\n");
        return 2;
    }
    struct alog_error error;
    struct alog_writer *writer;
    if (alog_writer_open(argv[1], NULL, &writer, &error) != ALOG_OK) {
        fprintf(stderr, "agent: %s\n", error.message);
        return 1; /* or go on: with a NULL writer every log call does nothing */
    }

    /* From here to alog_job_finish every event of this thread carries job-1. */
    alog_job_begin(
        writer, &(struct alog_job_start){.job_id = ALOG_STR("job-1"), .ai_agent = ALOG_BOOL(true)});
    alog_log_strategy_decision(
        writer, &(struct alog_strategy_decision){.selected_strategy = ALOG_STR("test_first"),
                                                 .decision_reason = ALOG_STR("a test failed")});
    alog_log_provider_performance(writer, &(struct alog_provider_performance){
                                              .provider_id = ALOG_STR("cloud-a"),
                                              .success = false,
                                              .failure_class = ALOG_FAILURE_CLASS_AVAILABILITY,
                                              .error_type = ALOG_STR("http_429"),
                                              .latency_ms = ALOG_F64(41.5)});
    alog_log_provider_performance(
        writer, &(struct alog_provider_performance){.provider_id = ALOG_STR("cloud-b"),
                                                    .model = ALOG_STR("medium-5"),
                                                    .success = true,
                                                    .fallback_from = ALOG_STR("cloud-a"),
                                                    .latency_ms = ALOG_F64(812.5),
                                                    .input_tokens = ALOG_I64(5210),
                                                    .output_tokens = ALOG_I64(388)});
    alog_log_agent_execution(writer,
                             &(struct alog_agent_execution){.agent_name = ALOG_STR("test-fixer"),
                                                            .issue_type = ALOG_STR("test_failure"),
                                                            .success = true,
                                                            .confidence = ALOG_F64(0.9),
                                                            .fixes_applied = ALOG_I64(1)});
    alog_job_finish(writer, &(struct alog_job_end){.status = ALOG_JOB_STATUS_SUCCESS});

    if (alog_writer_close(writer, &error) != ALOG_OK) {
        fprintf(stderr, "agent: %s\n", error.message);
        return 1;
    }
    return 0;
}

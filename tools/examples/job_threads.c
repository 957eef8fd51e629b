/*
 * job_threads: one job, several threads. A job scope belongs to its thread; a helper takes it along
 * with capture and attach, so that its events carry the job's id as well.
 *
 *     job_threads LOGDIR && agentlog cat LOGDIR
 */
#include <agentlog/writer.h>

#include <pthread.h>
#include <stdio.h>

#define HELPERS 3

struct helper {
    struct alog_writer *writer;   /* any thread may log through it */
    struct alog_job_scope scope;  /* plain data, copied */
    struct alog_string hook_name; /* what it runs */
    pthread_t thread;
};

static void *run_hook(void *argument) {
    const struct helper *self = argument;
    (void)alog_job_attach(&self->scope);
    alog_log_hook_execution(self->writer,
                            &(struct alog_hook_execution){.hook_name = self->hook_name,
                                                          .status = ALOG_HOOK_STATUS_SUCCESS});
    (void)alog_job_detach();
    return NULL;
}

int main(int argc, char **argv) {
    static const char *const hooks[HELPERS] = {"format", "lint", "type-check"};
    struct alog_writer *writer;
    struct alog_error error;
    if (argc != 2 || alog_writer_open(argv[1], NULL, &writer, &error) != ALOG_OK) {
        fprintf(stderr, "%s\n", argc == 2 ? error.message : "usage: job_threads LOGDIR");
        return 1;
    }
    for (int job = 0; job < 2; job++) {
        char id[32];
        size_t len = (size_t)snprintf(id, sizeof id, "job-%d", job + 1);
        alog_job_begin(writer, &(struct alog_job_start){.job_id = {id, len}});
        struct helper helpers[HELPERS];
        for (int i = 0; i < HELPERS; i++) {
            helpers[i] = (struct helper){writer, alog_job_capture(), alog_str(hooks[i]), 0};
            if (pthread_create(&helpers[i].thread, NULL, run_hook, &helpers[i]) != 0) {
                return 1; /* what is logged so far is not lost: nothing needs a close */
            }
        }
        for (int i = 0; i < HELPERS; i++) {
            pthread_join(helpers[i].thread, NULL);
        }
        alog_job_finish(writer, &(struct alog_job_end){.status = ALOG_JOB_STATUS_SUCCESS});
    }
    return alog_writer_close(writer, &error) == ALOG_OK ? 0 : 1;
}

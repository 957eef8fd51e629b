/* writer/job_scope.c: which job an event belongs to, without being told. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <agentlog/writer.h>

#include "support/log_walk.h"
#include "support/scratch_dir.h"

struct fixture {
    char *dir;
    struct alog_writer *writer;
    char seen[4096]; /* "name:job " per event, the writer's own left out */
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    struct alog_writer_options options = ALOG_WRITER_OPTIONS_INIT;
    options.ring_bytes = 64 * 1024;
    *state = f;
    return alog_writer_open(f->dir, &options, &f->writer, NULL) == ALOG_OK ? 0 : -1;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    while (alog_job_detach() == ALOG_OK) {
    }
    enum alog_status status = alog_writer_close(f->writer, NULL);
    scratch_dir_remove(f->dir);
    free(f);
    return status == ALOG_OK ? 0 : -1;
}

static void see(void *context, const struct alog_event *event) {
    struct fixture *f = context;
    if (event->name.len > 7 && memcmp(event->name.data, "writer_", 7) == 0) {
        return;
    }
    strncat(f->seen, event->name.data, event->name.len);
    strcat(f->seen, ":");
    if (event->job_id.data != NULL) {
        strncat(f->seen, event->job_id.data, event->job_id.len);
    }
    strcat(f->seen, " ");
}

static void expect(struct fixture *f, const char *expected) {
    assert_int_equal(alog_writer_close(f->writer, NULL), ALOG_OK);
    f->writer = NULL;
    assert_int_equal(log_walk(f->dir, see, f).damages, 0);
    assert_string_equal(f->seen, expected);
}

static enum alog_status log_error(struct fixture *f) {
    return alog_log_error(f->writer, &(struct alog_error_event){.error_type = ALOG_STR("hook")});
}

static enum alog_status begin(struct fixture *f, const char *job_id) {
    return alog_job_begin(f->writer, &(struct alog_job_start){.job_id = alog_str(job_id)});
}

static enum alog_status finish(struct fixture *f, const char *job_id) {
    return alog_job_finish(f->writer, &(struct alog_job_end){.job_id = alog_str(job_id),
                                                             .status = ALOG_JOB_STATUS_SUCCESS});
}

static void events_carry_the_innermost_job(void **state) {
    struct fixture *f = *state;
    assert_int_equal(log_error(f), ALOG_OK);
    assert_int_equal(begin(f, "outer"), ALOG_OK);
    assert_int_equal(log_error(f), ALOG_OK);
    assert_int_equal(begin(f, "inner"), ALOG_OK);
    assert_int_equal(log_error(f), ALOG_OK);
    assert_int_equal(finish(f, NULL), ALOG_OK);
    assert_int_equal(log_error(f), ALOG_OK);
    assert_int_equal(finish(f, "outer"), ALOG_OK);
    assert_int_equal(log_error(f), ALOG_OK);
    expect(f, "error: job_start:outer error:outer job_start:inner error:inner job_end:inner "
              "error:outer job_end:outer error: ");
}

static void a_context_goes_before_the_scope(void **state) {
    struct fixture *f = *state;
    struct alog_context context = {.job_id = ALOG_STR("given")};
    assert_int_equal(begin(f, "scope"), ALOG_OK);
    assert_int_equal(
        alog_log_error(f->writer, &(struct alog_error_event){.error_type = ALOG_STR("hook"),
                                                             .context = &context}),
        ALOG_OK);
    struct alog_context empty = {0};
    assert_int_equal(
        alog_log_error(f->writer, &(struct alog_error_event){.error_type = ALOG_STR("hook"),
                                                             .context = &empty}),
        ALOG_OK);
    /* A job end without an id of its own, outside alog_job_finish, is the scope's too. */
    assert_int_equal(
        alog_log_job_end(f->writer, &(struct alog_job_end){.status = ALOG_JOB_STATUS_FAILED}),
        ALOG_OK);
    expect(f, "job_start:scope error:given error:scope job_end:scope ");
}

static void ids_of_every_length(void **state) {
    struct fixture *f = *state;
    static const size_t lengths[] = {1, 16, 30, 31, 32, 33, 200, 255};
    char id[256];
    char expected[4096] = "";
    memset(id, 'j', sizeof id);
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        struct alog_job_scope scope = {.job_id_len = (uint32_t)lengths[i]};
        memcpy(scope.job_id, id, lengths[i]);
        assert_int_equal(alog_job_attach(&scope), ALOG_OK);
        assert_int_equal(log_error(f), ALOG_OK);
        assert_int_equal(alog_job_detach(), ALOG_OK);
        strcat(expected, "error:");
        strncat(expected, id, lengths[i]);
        strcat(expected, " ");
    }
    expect(f, expected);
}

static void misuse_changes_nothing(void **state) {
    struct fixture *f = *state;
    char longer[257];
    memset(longer, 'x', 256);
    longer[256] = '\0';
    assert_int_equal(begin(f, NULL), ALOG_INVALID);
    assert_int_equal(begin(f, ""), ALOG_INVALID);
    assert_int_equal(begin(f, longer), ALOG_INVALID);
    assert_int_equal(finish(f, NULL), ALOG_INVALID);
    assert_int_equal(alog_job_detach(), ALOG_INVALID);
    assert_int_equal(begin(f, "a"), ALOG_OK);
    assert_int_equal(finish(f, "b"), ALOG_INVALID);
    assert_int_equal(alog_job_finish(f->writer, &(struct alog_job_end){.iterations = ALOG_I64(1)}),
                     ALOG_INVALID);
    assert_int_equal(alog_job_capture().job_id_len, 1);
    struct alog_job_scope again = alog_job_capture();
    assert_int_equal(alog_job_attach(&again), ALOG_OK);
    assert_int_equal(finish(f, "a"), ALOG_INVALID);
    assert_int_equal(alog_job_detach(), ALOG_OK);
    struct alog_job_scope wrong = {.job_id_len = 256};
    assert_int_equal(alog_job_attach(&wrong), ALOG_INVALID);
    assert_int_equal(finish(f, "a"), ALOG_OK);
    assert_int_equal(alog_job_capture().job_id_len, 0);
    expect(f, "job_start:a job_end:a ");
}

static void no_job_is_a_scope_too(void **state) {
    struct fixture *f = *state;
    struct alog_job_scope none = alog_job_capture();
    assert_int_equal(begin(f, "a"), ALOG_OK);
    assert_int_equal(alog_job_attach(&none), ALOG_OK);
    assert_int_equal(alog_job_capture().job_id_len, 0);
    assert_int_equal(log_error(f), ALOG_OK);
    assert_int_equal(alog_job_detach(), ALOG_OK);
    assert_int_equal(alog_job_capture().job_id_len, 1);
    assert_int_equal(finish(f, "a"), ALOG_OK);
    expect(f, "job_start:a error: job_end:a ");
}

static void a_job_ends_where_it_began(void **state) {
    struct fixture *f = *state;
    struct alog_job_end end = {.status = ALOG_JOB_STATUS_SUCCESS};
    assert_int_equal(begin(f, "a"), ALOG_OK);
    assert_int_equal(alog_job_finish(NULL, &end), ALOG_INVALID);
    struct alog_writer *other;
    assert_int_equal(alog_writer_open(f->dir, NULL, &other, NULL), ALOG_OK);
    assert_int_equal(alog_job_finish(other, &end), ALOG_INVALID);
    assert_int_equal(alog_job_capture().job_id_len, 1);
    assert_int_equal(alog_writer_close(other, NULL), ALOG_OK);
    assert_int_equal(finish(f, "a"), ALOG_OK);
    expect(f, "job_start:a job_end:a ");
}

/* A program may go on without a log after a failed open. */
static void no_writer_is_closed(void **state) {
    (void)state;
    struct alog_job_start start = {.job_id = ALOG_STR("a")};
    struct alog_error_event event = {.error_type = ALOG_STR("hook")};
    assert_int_equal(alog_log_error(NULL, &event), ALOG_CLOSED);
    assert_int_equal(alog_log_job_start(NULL, &start), ALOG_CLOSED);
    assert_int_equal(alog_job_begin(NULL, &start), ALOG_INVALID);
}

static void nesting_has_a_limit(void **state) {
    (void)state;
    struct alog_job_scope scope = {.job_id_len = 1, .job_id = "j"};
    for (int i = 0; i < 64; i++) {
        assert_int_equal(alog_job_attach(&scope), ALOG_OK);
    }
    assert_int_equal(alog_job_attach(&scope), ALOG_LIMIT);
    for (int i = 0; i < 64; i++) {
        assert_int_equal(alog_job_detach(), ALOG_OK);
    }
    assert_int_equal(alog_job_detach(), ALOG_INVALID);
}

struct carried {
    struct fixture *f;
    struct alog_job_scope scope;
};

static void *work_elsewhere(void *argument) {
    struct carried *carried = argument;
    enum alog_status before = log_error(carried->f);
    enum alog_status attached = alog_job_attach(&carried->scope);
    enum alog_status inside = log_error(carried->f);
    /* Left open: the thread's end closes it. */
    return (void *)(uintptr_t)(before == ALOG_OK && attached == ALOG_OK && inside == ALOG_OK);
}

static void a_scope_goes_to_another_thread(void **state) {
    struct fixture *f = *state;
    assert_int_equal(begin(f, "job"), ALOG_OK);
    /* Into the file, so that the order in it is certain. */
    assert_int_equal(alog_writer_flush(f->writer, 30000, NULL), ALOG_OK);
    struct carried carried = {f, alog_job_capture()};
    assert_int_equal(carried.scope.job_id_len, 3);
    pthread_t thread;
    void *result = NULL;
    assert_int_equal(pthread_create(&thread, NULL, work_elsewhere, &carried), 0);
    pthread_join(thread, &result);
    assert_non_null(result);
    assert_int_equal(alog_job_capture().job_id_len, 3);
    expect(f, "job_start:job error: error:job ");
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(events_carry_the_innermost_job),
        CASE(a_context_goes_before_the_scope),
        CASE(ids_of_every_length),
        CASE(misuse_changes_nothing),
        CASE(no_job_is_a_scope_too),
        CASE(a_job_ends_where_it_began),
        CASE(no_writer_is_closed),
        CASE(nesting_has_a_limit),
        CASE(a_scope_goes_to_another_thread),
    };
    return cmocka_run_group_tests_name("job_scope", tests, NULL, NULL);
}

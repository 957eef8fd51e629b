/* writer/control_file.c, and what a writer that was killed leaves behind for a recovery. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <agentlog/writer.h>

#include "format/event_codec.h"
#include "support/fake_io.h"
#include "support/scratch_dir.h"
#include "writer/control_file.h"
#include "writer/ring.h"

struct fixture {
    char *dir;
    struct fake_io fake;
    struct alog_control_file control;
    char text[4096]; /* the file's values, as text */
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    fake_io_init(&f->fake);
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    scratch_dir_remove(f->dir);
    free(f);
    return 0;
}

static void create(struct fixture *f) {
    assert_int_equal(alog_control_create(&f->control, &f->fake.io, f->dir, 0xab, ALOG_STR("test"),
                                         "/dev/../dev", NULL),
                     ALOG_OK);
}

static void discard(struct fixture *f) {
    alog_control_close(&f->control, true);
    alog_control_free(&f->control);
    assert_int_equal(scratch_dir_count(f->dir, ".writer"), 0);
}

/* The values of the file, except those of pid, boot and ring_dir_id, each followed by a space. */
static const char *read_file(struct fixture *f) {
    char path[4096];
    uint8_t bytes[4096];
    snprintf(path, sizeof path, "%s/00000000000000ab.writer", f->dir);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    size_t len = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    struct alog_mp_cursor cursor = {bytes, bytes + len, false};
    struct alog_mp_token token;
    char *at = f->text;
    *at = '\0';
    bool pass_over = false;
    while (alog_mp_next(&cursor, &token)) {
        if (pass_over) {
            pass_over = false;
            continue;
        }
        switch (token.type) {
        case ALOG_MP_STR:
            at += sprintf(at, "%.*s ", (int)token.len, (const char *)token.data);
            pass_over = (token.len == 11 && memcmp(token.data, "ring_dir_id", 11) == 0) ||
                        (token.len == 3 && memcmp(token.data, "pid", 3) == 0) ||
                        (token.len == 4 && memcmp(token.data, "boot", 4) == 0);
            break;
        case ALOG_MP_INT:
            at += sprintf(at, "%" PRId64 " ", token.i64);
            break;
        case ALOG_MP_BOOL:
            at += sprintf(at, "%s ", token.boolean ? "true" : "false");
            break;
        case ALOG_MP_MAP:
            at += sprintf(at, "{%u ", token.len);
            break;
        case ALOG_MP_ARRAY:
            at += sprintf(at, "[%u ", token.len);
            break;
        default:
            fail_msg("a value of type %d", (int)token.type);
        }
    }
    assert_false(cursor.failed);
    return f->text;
}

#define OPENING                                                                                    \
    "{7 agentlog_writer 1 writer 00000000000000ab environment test pid boot ring_dir /dev "        \
    "ring_dir_id "

static const struct alog_field fields[] = {
    {.name = "colour", .kind = ALOG_FIELD_NAME, .required = true},
    {.name = "weight", .kind = ALOG_FIELD_F64},
};
static const struct alog_event_type type = {
    .id = 64, .name = "paint", .name_len = 5, .fields = fields, .field_count = 2};

static void it_names_everything(void **state) {
    struct fixture *f = *state;
    create(f);
    assert_string_equal(read_file(f), OPENING);
    assert_int_equal(alog_control_add_ring(&f->control, 1, "/dev/null"), 0);
    assert_int_equal(alog_control_add_type(&f->control, &type), 0);
    assert_string_equal(read_file(f), OPENING "{2 ring 1 path /dev/null "
                                              "{3 define 64 name paint fields [2 [3 colour 1 true "
                                              "[3 weight 6 false ");
    discard(f);
}

static void what_the_disk_refuses_goes_later(void **state) {
    struct fixture *f = *state;
    create(f);
    atomic_store(&f->fake.failures[FAKE_PWRITEV], -ENOSPC);
    assert_int_equal(alog_control_add_ring(&f->control, 1, "/dev/null"), -ENOSPC);
    assert_int_equal(alog_control_add_ring(&f->control, 2, "/dev/zero"), -ENOSPC);
    assert_int_equal(alog_control_retry(&f->control), -ENOSPC);
    assert_string_equal(read_file(f), OPENING);
    atomic_store(&f->fake.failures[FAKE_PWRITEV], 0);
    assert_int_equal(alog_control_retry(&f->control), 0);
    assert_int_equal(alog_control_retry(&f->control), 0);
    assert_string_equal(read_file(f), OPENING "{2 ring 1 path /dev/null {2 ring 2 path /dev/zero ");
    discard(f);
}

static void it_is_locked_while_its_owner_lives(void **state) {
    struct fixture *f = *state;
    create(f);
    char path[4096];
    snprintf(path, sizeof path, "%s/00000000000000ab.writer", f->dir);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), -1);
    assert_int_equal(errno, EWOULDBLOCK);
    alog_control_close(&f->control, false);
    assert_int_equal(flock(fd, LOCK_EX | LOCK_NB), 0);
    /* What comes after is refused, not written to another's file. */
    assert_int_equal(alog_control_add_ring(&f->control, 1, "/dev/null"), -EBADF);
    assert_string_equal(read_file(f), OPENING);
    close(fd);
    alog_control_free(&f->control);
}

/* ---- kill -9 --------------------------------------------------------------------------------- */

#define STORED  300
#define IN_RING 700

static void log_and_die(const char *dir) {
    struct alog_writer_options options = ALOG_WRITER_OPTIONS_INIT;
    options.ring_dir = dir;
    options.flush_interval_ms = 3600000;
    struct alog_writer *writer = NULL;
    if (alog_writer_open(dir, &options, &writer, NULL) != ALOG_OK) {
        _exit(1);
    }
    for (int i = 0; i < STORED + IN_RING; i++) {
        if (alog_log_error(writer, &(struct alog_error_event){.error_type = ALOG_STR("hook"),
                                                              .line_number = ALOG_I64(i)}) !=
            ALOG_OK) {
            _exit(2);
        }
        if (i == STORED - 1 && alog_writer_flush(writer, 60000, NULL) != ALOG_OK) {
            _exit(3);
        }
    }
    raise(SIGKILL);
}

/* The path of the ring that the control file in `dir` names. */
static char *find_ring(struct fixture *f) {
    char command[4200];
    char path[4096] = "";
    snprintf(command, sizeof command, "ls %s/*.ring", f->dir);
    FILE *list = popen(command, "r");
    assert_non_null(list);
    assert_non_null(fgets(path, sizeof path, list));
    pclose(list);
    path[strcspn(path, "\n")] = '\0';
    return strdup(path);
}

static void a_killed_writer_leaves_its_events_in_the_ring(void **state) {
    struct fixture *f = *state;
    pid_t child = fork();
    if (child == 0) {
        log_and_die(f->dir);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    assert_int_equal(scratch_dir_count(f->dir, ".writer"), 1);
    char *path = find_ring(f);
    size_t bytes = alog_ring_total_bytes(1 << 20);
    void *memory = aligned_alloc(4096, bytes);
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fread(memory, 1, bytes, file), bytes);
    fclose(file);
    assert_true(alog_ring_valid(memory, bytes));
    struct alog_schema *schema = NULL;
    assert_int_equal(alog_schema_new(&schema), ALOG_OK);
    struct alog_event_decoder *decoder = calloc(1, sizeof *decoder);
    struct alog_ring_consumer consumer;
    alog_ring_consumer_init(&consumer, memory);
    struct alog_ring_record record;
    for (int i = STORED; i < STORED + IN_RING; i++) {
        assert_int_equal(alog_ring_take(&consumer, alog_ring_published(consumer.header), &record),
                         ALOG_RING_TOOK);
        struct alog_mp_cursor cursor = {record.payload, record.payload + record.bytes, false};
        struct alog_event event;
        int64_t previous = 0;
        assert_int_equal(alog_event_decode(decoder, &cursor, schema, NULL, &previous, &event),
                         ALOG_OK);
        assert_int_equal(event.values[4].i64, i);
    }
    assert_int_equal(alog_ring_take(&consumer, alog_ring_published(consumer.header), &record),
                     ALOG_RING_EMPTY);
    alog_event_decoder_free(decoder);
    alog_schema_free(schema);
    free(decoder);
    free(memory);
    free(path);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(it_names_everything),
        CASE(what_the_disk_refuses_goes_later),
        CASE(it_is_locked_while_its_owner_lives),
        CASE(a_killed_writer_leaves_its_events_in_the_ring),
    };
    return cmocka_run_group_tests_name("control_file", tests, NULL, NULL);
}

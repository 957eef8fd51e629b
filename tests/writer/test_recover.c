/* Recovery of what one dead writer left, whole or damaged; see also test_recover_steps and
 * test_recover_kills. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <agentlog/recover.h>
#include <agentlog/writer.h>
#include <linux/magic.h>

#include "support/fake_io.h"
#include "support/file_bytes.h"
#include "support/log_walk.h"
#include "support/scratch_dir.h"
#include "support/segment_maker.h"
#include "writer/control_file.h"
#include "writer/ring.h"

struct fixture {
    char *dir; /* LOGDIR, and where the rings are */
    struct alog_writer_options options;
    char ring[PATH_MAX]; /* of the writer that was left last */
    char control[PATH_MAX];
    uint64_t problems;
    char problem[512];
    struct alog_recover_report report;
    uint64_t hooks, errors; /* found in the log, in order */
    uint64_t lost_hooks, lost_errors, lost_unknown;
    struct log_walk_result walk;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    f->options = (struct alog_writer_options)ALOG_WRITER_OPTIONS_INIT;
    f->options.environment = ALOG_STR("test");
    f->options.ring_dir = f->dir;
    f->options.ring_bytes = 64 << 10;
    f->options.flush_interval_ms = 3600000;
    f->options.no_recovery = true;
    *state = f;
    return 0;
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    alog_recover_report_free(&f->report);
    scratch_dir_remove(f->dir);
    free(f);
    return 0;
}

/* ---- A dead writer --------------------------------------------------------------------------- */

/* What it does before it dies. */
struct life {
    int hooks_stored; /* logged first, and flushed */
    int hooks_in_ring;

    int errors;
};

static uint64_t log_hook(struct alog_writer *writer, int64_t number) {
    return alog_log_hook_execution(
        writer, &(struct alog_hook_execution){.hook_name = ALOG_STR("ruff"),
                                              .status = ALOG_HOOK_STATUS_SUCCESS,
                                              .execution_time_ms = ALOG_F64((double)number)});
}

static void live_and_die(const struct fixture *f, const struct life *life) {
    struct alog_writer *writer = NULL;
    if (alog_writer_open(f->dir, &f->options, &writer, NULL) != ALOG_OK) {
        _exit(1);
    }
    int64_t number = 0;
    for (int i = 0; i < life->hooks_stored; i++) {
        if (log_hook(writer, ++number) != ALOG_OK) {
            _exit(2);
        }
    }
    if (life->hooks_stored > 0 && alog_writer_flush(writer, 60000, NULL) != ALOG_OK) {
        _exit(3);
    }
    for (int i = 0; i < life->hooks_in_ring; i++) {
        if (log_hook(writer, ++number) != ALOG_OK) {
            _exit(4);
        }
    }
    for (int i = 0; i < life->errors; i++) {
        if (alog_log_error(writer, &(struct alog_error_event){.error_type = ALOG_STR("hook")}) !=
            ALOG_OK) {
            _exit(5);
        }
    }
    raise(SIGKILL);
}

static void find_file(const struct fixture *f, const char *pattern, char path[PATH_MAX]) {
    char command[PATH_MAX + 64];
    snprintf(command, sizeof command, "ls -t %s/%s 2>/dev/null", f->dir, pattern);
    FILE *list = popen(command, "r");
    path[0] = '\0';
    if (fgets(path, PATH_MAX, list) != NULL) {
        path[strcspn(path, "\n")] = '\0';
    }
    pclose(list);
}

static void leave(struct fixture *f, const struct life *life) {
    pid_t child = fork();
    if (child == 0) {
        live_and_die(f, life);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    find_file(f, "*.ring", f->ring);
    find_file(f, ".writers/*.writer", f->control);
    assert_true(f->control[0] != '\0');
}

/* ---- Its recovery ---------------------------------------------------------------------------- */

static void note(void *context, const struct alog_recover_note *told) {
    struct fixture *f = context;
    if (told->kind == ALOG_RECOVER_PROBLEM) {
        f->problems++;
        snprintf(f->problem, sizeof f->problem, "%s", told->message);
    }
}

static void recover_with(struct fixture *f, bool give_up_rings) {
    struct alog_recover_options options = ALOG_RECOVER_OPTIONS_INIT;
    options.tell = note;
    options.context = f;
    options.give_up_rings = give_up_rings;
    alog_recover_report_free(&f->report);
    f->problems = 0;
    struct alog_error error = {.message = ""};
    if (alog_recover(f->dir, &options, &f->report, &error) != ALOG_OK) {
        fail_msg("%s", error.message);
    }
    assert_int_equal(f->report.problems, f->problems);
}

static void recover(struct fixture *f) {
    recover_with(f, false);
}

static void count_event(void *context, const struct alog_event *event) {
    struct fixture *f = context;
    if (alog_string_equal(event->name, ALOG_STR("hook_execution"))) {
        f->hooks++;
    } else if (alog_string_equal(event->name, ALOG_STR("error"))) {
        f->errors++;
    } else if (alog_string_equal(event->name, ALOG_STR("writer_loss"))) {
        uint64_t count = (uint64_t)event->values[1].i64;
        f->lost_hooks +=
            alog_string_equal(event->values[0].string, ALOG_STR("hook_execution")) ? count : 0;
        f->lost_errors += alog_string_equal(event->values[0].string, ALOG_STR("error")) ? count : 0;
        f->lost_unknown +=
            alog_string_equal(event->values[0].string, ALOG_STR("unknown")) ? count : 0;
    }
}

static void walk(struct fixture *f) {
    f->hooks = f->errors = f->lost_hooks = f->lost_errors = f->lost_unknown = 0;
    f->walk = log_walk(f->dir, count_event, f);
}

/* The log is whole, and nothing lies about. */
static void check_tidy(struct fixture *f) {
    walk(f);
    assert_int_equal(f->walk.open_segments + f->walk.damages, 0);
    assert_int_equal(f->walk.sequence_faults + f->walk.chain_faults, 0);
    assert_int_equal(scratch_dir_count(f->dir, ".ring"), 0);
    assert_int_equal(scratch_dir_count(f->dir, ".writer"), 0);
    assert_int_equal(scratch_dir_count(f->dir, ".recovering"), 0);
    recover(f);
    assert_int_equal(f->report.writers_dead + f->problems, 0);
}

/* ---- Whole ----------------------------------------------------------------------------------- */

static void there_may_be_nothing_to_do(void **state) {
    struct fixture *f = *state;
    recover(f);
    assert_int_equal(f->report.writers_dead + f->report.writers_alive, 0);
    struct alog_error error;
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/nowhere", f->dir);
    assert_int_equal(alog_recover(path, NULL, NULL, &error), ALOG_NOT_FOUND);
    assert_int_equal(alog_recover("", NULL, NULL, &error), ALOG_INVALID);
    struct alog_recover_options options = ALOG_RECOVER_OPTIONS_INIT;
    options.compression_level = 20;
    assert_int_equal(alog_recover(f->dir, &options, NULL, &error), ALOG_INVALID);
    options.struct_bytes = sizeof options + 1;
    assert_int_equal(alog_recover(f->dir, &options, NULL, &error), ALOG_INVALID);
}

static void the_living_are_left_alone(void **state) {
    struct fixture *f = *state;
    struct alog_writer *writer = NULL;
    assert_int_equal(alog_writer_open(f->dir, &f->options, &writer, NULL), ALOG_OK);
    assert_int_equal(log_hook(writer, 1), ALOG_OK);
    assert_int_equal(alog_writer_flush(writer, 60000, NULL), ALOG_OK);
    assert_int_equal(log_hook(writer, 2), ALOG_OK);
    recover(f);
    assert_int_equal(f->report.writers_alive, 1);
    assert_int_equal(f->report.writers_dead, 0);
    assert_int_equal(log_hook(writer, 3), ALOG_OK);
    assert_int_equal(alog_writer_close(writer, NULL), ALOG_OK);
    walk(f);
    assert_int_equal(f->hooks, 3);
    check_tidy(f);
}

static void stored_and_in_the_ring(void **state) {
    struct fixture *f = *state;
    leave(f, &(struct life){.hooks_stored = 30, .hooks_in_ring = 40, .errors = 5});
    recover(f);
    assert_int_equal(f->report.writers_dead, 1);
    assert_int_equal(f->report.writers_finished, 1);
    assert_int_equal(f->report.segments_finished, 1);
    assert_int_equal(f->report.events_recovered, 45);
    assert_int_equal(f->report.rings_removed, 1);
    assert_int_equal(f->report.events_lost + f->report.rings_lost + f->report.bytes_lost, 0);
    check_tidy(f);
    assert_int_equal(f->walk.segments, 1);
    assert_int_equal(f->hooks, 70);
    assert_int_equal(f->errors, 5);
}

static void killed_before_the_first_block(void **state) {
    struct fixture *f = *state;
    leave(f, &(struct life){.hooks_in_ring = 40});
    assert_int_equal(scratch_dir_count(f->dir, ".open"), 0);
    recover(f);
    assert_int_equal(f->report.segments_finished, 1);
    check_tidy(f);
    assert_int_equal(f->hooks, 40);
}

static void killed_before_the_first_event(void **state) {
    struct fixture *f = *state;
    leave(f, &(struct life){.hooks_in_ring = 0});
    recover(f);
    assert_int_equal(f->report.writers_finished, 1);
    assert_int_equal(f->report.segments_finished, 0);
    check_tidy(f);
    assert_int_equal(f->walk.segments, 0);
}

static void several_at_once(void **state) {
    struct fixture *f = *state;
    const int dead = 40; /* more than are locked at a time */
    for (int i = 0; i < dead; i++) {
        leave(f, &(struct life){.hooks_stored = i % 3, .hooks_in_ring = 5});
    }
    pid_t children[4];
    for (int i = 0; i < 4; i++) {
        children[i] = fork();
        if (children[i] == 0) {
            recover(f);
            _exit(f->problems == 0 ? 0 : 1);
        }
    }
    for (int i = 0; i < 4; i++) {
        int status = 0;
        assert_int_equal(waitpid(children[i], &status, 0), children[i]);
        assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    check_tidy(f);
    uint64_t stored = 0;
    for (int i = 0; i < dead; i++) {
        stored += (uint64_t)(i % 3);
    }
    assert_int_equal(f->hooks, (uint64_t)dead * 5 + stored);
}

/* ---- Steps that a killed one had done -------------------------------------------------------- */

static void append_to_control(const struct fixture *f, const void *bytes, size_t count) {
    int fd = open(f->control, O_WRONLY | O_APPEND | O_CLOEXEC);
    assert_int_equal(write(fd, bytes, count), count);
    close(fd);
}

static void what_is_finished_is_only_removed(void **state) {
    struct fixture *f = *state;
    leave(f, &(struct life){.hooks_in_ring = 40});
    uint8_t record[ALOG_CONTROL_FINISHED_BYTES];
    append_to_control(f, record, alog_control_put_finished(record));
    recover(f);
    assert_int_equal(f->report.events_recovered + f->report.rings_lost, 0);
    assert_int_equal(f->report.rings_removed, 1);
    check_tidy(f);
}

/* Killed between the removal of its rings and that of its control file. */
static void rings_that_were_done_are_not_missed(void **state) {
    struct fixture *f = *state;
    leave(f, &(struct life){.hooks_stored = 10});
    uint8_t record[ALOG_CONTROL_FINISHED_BYTES];
    append_to_control(f, record, alog_control_put_finished(record));
    unlink(f->ring);
    recover(f);
    assert_int_equal(f->report.rings_lost, 0);
    check_tidy(f);
    assert_int_equal(f->hooks, 10);
}

static void half_made_files_are_replaced(void **state) {
    struct fixture *f = *state;
    leave(f, &(struct life){.hooks_stored = 10, .hooks_in_ring = 10});
    char path[PATH_MAX];
    find_file(f, "2*/*.open", path);
    strcpy(path + strlen(path) - strlen(".open"), ".recovering");
    file_bytes_write(path, "rubbish", 7);
    recover(f);
    assert_int_equal(f->problems, 0);
    check_tidy(f);
    assert_int_equal(f->hooks, 20);
}

static void a_torn_control_file_ends_before_the_tear(void **state) {
    struct fixture *f = *state;
    leave(f, &(struct life){.hooks_stored = 10, .hooks_in_ring = 10});
    append_to_control(f, "\x82\xa4ring\x07\xa4path\xd9\xff/dev", 17);
    recover(f);
    assert_int_equal(f->problems, 0);
    check_tidy(f);
    assert_int_equal(f->hooks, 20);
}

/* ---- Damage ---------------------------------------------------------------------------------- */

/* The ring's file with its header, to be changed and written back. */
static struct alog_ring_header *read_ring(const struct fixture *f, size_t *ret_bytes) {
    uint8_t *bytes = file_bytes_read(f->ring, ret_bytes);
    void *aligned = aligned_alloc(4096, (*ret_bytes + 4095) / 4096 * 4096);
    memcpy(aligned, bytes, *ret_bytes);
    free(bytes);
    return aligned;
}

static void a_broken_record_costs_what_follows_it(void **state) {
    struct fixture *f = *state;
    leave(f, &(struct life){.hooks_in_ring = 40});
    size_t bytes;
    struct alog_ring_header *header = read_ring(f, &bytes);
    uint8_t *data = (uint8_t *)header + ALOG_RING_HEADER_BYTES;
    uint32_t record;
    uint64_t at = 0;
    for (int i = 0; i < 20; i++) {
        memcpy(&record, data + at, 4);
        at += ALOG_RING_RECORD_HEAD + ((record + 7) & ~7u);
    }
    memset(data + at, 0xff, 4);
    file_bytes_write(f->ring, header, bytes);
    uint64_t head = atomic_load(&header->head);
    free(header);
    recover(f);
    assert_int_equal(f->report.writers_finished, 1);
    assert_int_equal(f->report.events_recovered, 20);
    assert_int_equal(f->report.bytes_lost, head - at);
    assert_int_equal(f->report.events_lost, 1); /* at least */
    assert_string_equal(f->report.losses[0].reason, "unreadable");
    check_tidy(f);
    assert_int_equal(f->hooks, 20);
    assert_int_equal(f->lost_unknown, 1);
}

static void a_record_that_is_no_event_costs_itself(void **state) {
    struct fixture *f = *state;
    leave(f, &(struct life){.hooks_in_ring = 40});
    size_t bytes;
    struct alog_ring_header *header = read_ring(f, &bytes);
    uint8_t *data = (uint8_t *)header + ALOG_RING_HEADER_BYTES;
    memset(data + ALOG_RING_RECORD_HEAD, 0xc1, 8);
    file_bytes_write(f->ring, header, bytes);
    free(header);
    recover(f);
    assert_int_equal(f->report.events_recovered, 39);
    assert_int_equal(f->report.events_lost, 1);
    check_tidy(f);
    assert_int_equal(f->hooks, 39);
    assert_int_equal(f->lost_hooks, 1);
    assert_int_equal(f->walk.dropped, 1);
}

/* Bytes of the header and of the first records, changed one by one: never more events than there
 * were, and an end in every case. */
static void any_ring_does_no_harm(void **state) {
    struct fixture *f = *state;
    leave(f, &(struct life){.hooks_in_ring = 3});
    size_t bytes, control_bytes;
    uint8_t *ring = file_bytes_read(f->ring, &bytes);
    uint8_t *control = file_bytes_read(f->control, &control_bytes);
    for (size_t at = 0; at < ALOG_RING_HEADER_BYTES + 200; at += 5) {
        if (at >= 700 && at < ALOG_RING_HEADER_BYTES) {
            at = ALOG_RING_HEADER_BYTES; /* between are counts of losses */
        }
        ring[at] ^= 0x81;
        file_bytes_write(f->ring, ring, bytes);
        file_bytes_write(f->control, control, control_bytes);
        ring[at] ^= 0x81;
        recover(f);
        assert_int_equal(f->problems, 0);
        assert_int_equal(f->report.writers_finished, 1);
        assert_true(f->report.events_recovered <= 3);
        assert_int_equal(scratch_dir_count(f->dir, ".ring"), 0);
        char command[PATH_MAX + 16];
        snprintf(command, sizeof command, "rm -rf %s/2*", f->dir);
        assert_int_equal(system(command), 0);
    }
    free(ring);
    free(control);
}

static void losses_that_nobody_logged_are_logged(void **state) {
    struct fixture *f = *state;
    leave(f, &(struct life){.hooks_stored = 10, .hooks_in_ring = 10});
    size_t bytes;
    struct alog_ring_header *header = read_ring(f, &bytes);
    atomic_store(&header->lost[7], 12); /* hook_execution */
    atomic_store(&header->lost[10], 3); /* error */
    atomic_store(&header->lost_total, 15);
    atomic_store(&header->lost_at, atomic_load(&header->head));
    file_bytes_write(f->ring, header, bytes);
    free(header);
    recover(f);
    assert_int_equal(f->report.events_recovered, 10);
    assert_int_equal(f->report.events_lost, 15);
    assert_int_equal(f->report.loss_count, 2);
    check_tidy(f);
    assert_int_equal(f->lost_hooks, 12);
    assert_int_equal(f->lost_errors, 3);
    assert_int_equal(f->walk.dropped, 15);
}

static void a_ring_that_is_gone_is_told(void **state) {
    struct fixture *f = *state;
    leave(f, &(struct life){.hooks_stored = 10, .hooks_in_ring = 10});
    unlink(f->ring);
    recover(f);
    assert_int_equal(f->report.rings_lost, 1);
    assert_int_equal(f->report.writers_finished, 1);
    check_tidy(f);
    assert_int_equal(f->hooks, 10);
}

/* Change the text of that length behind a key in the control file. */
static void change_control(const struct fixture *f, const char *key, size_t skip) {
    size_t bytes;
    uint8_t *data = file_bytes_read(f->control, &bytes);
    uint8_t *at = memmem(data, bytes, key, strlen(key));
    assert_non_null(at);
    at += strlen(key) + skip;
    *at = *at == '1' ? '2' : '1';
    file_bytes_write(f->control, data, bytes);
    free(data);
}

static bool is_tmpfs(const char *path) {
    struct statfs facts;
    return statfs(path, &facts) == 0 && facts.f_type == TMPFS_MAGIC;
}

static void rings_of_an_earlier_boot_are_not_read(void **state) {
    struct fixture *f = *state;
    leave(f, &(struct life){.hooks_stored = 10, .hooks_in_ring = 10});
    change_control(f, "boot", 3);
    bool survives = !is_tmpfs(f->dir); /* what is in a tmpfs is of this boot, whatever is said */
    recover(f);
    assert_int_equal(f->report.rings_lost, survives ? 1 : 0);
    assert_int_equal(f->report.writers_finished, 1);
    check_tidy(f);
    assert_int_equal(f->hooks, survives ? 10 : 20);
}

static void rings_of_another_container_are_waited_for(void **state) {
    struct fixture *f = *state;
    leave(f, &(struct life){.hooks_stored = 10, .hooks_in_ring = 10});
    unlink(f->ring);
    change_control(f, "ring_dir_id", 1);
    recover(f);
    assert_int_equal(f->problems, 1);
    assert_int_equal(f->report.writers_finished, 0);
    assert_int_equal(scratch_dir_count(f->dir, ".writer"), 1);
    assert_int_equal(scratch_dir_count(f->dir, ".open"), 1);
    recover_with(f, true);
    assert_int_equal(f->problems, 0);
    assert_int_equal(f->report.rings_lost, 1);
    check_tidy(f);
    assert_int_equal(f->hooks, 10);
}

/* A control file can say anything. */
static void files_that_are_no_rings_are_not_touched(void **state) {
    struct fixture *f = *state;
    leave(f, &(struct life){.hooks_in_ring = 10});
    char victim[PATH_MAX];
    uint8_t record[PATH_MAX + 64];
    snprintf(victim, sizeof victim, "%s/victim", f->dir);
    file_bytes_write(victim, "precious", 8);
    size_t len = strlen(victim);
    assert_in_range(len, 16, 255);
    uint8_t *at = record;
    memcpy(at, "\x82\xa4ring\x63\xa4path\xd9", 13);
    at[13] = (uint8_t)len;
    memcpy(at + 14, victim, len);
    append_to_control(f, record, 14 + len);
    recover(f);
    assert_int_equal(f->report.rings_lost, 1); /* ring 99, as far as anybody can tell */
    assert_int_equal(access(victim, F_OK), 0);
    check_tidy(f);
    assert_int_equal(f->hooks, 10);
}

static void a_damaged_segment_is_salvaged(void **state) {
    struct fixture *f = *state;
    f->options.block_bytes = 16 << 10;
    leave(f, &(struct life){.hooks_stored = 30, .hooks_in_ring = 10});
    char path[PATH_MAX];
    find_file(f, "2*/*.open", path);
    /* The header of the file: its facts come from the control file and the name. */
    size_t bytes;
    uint8_t *data = file_bytes_read(path, &bytes);
    data[50] ^= 1;
    file_bytes_write(path, data, bytes);
    recover(f);
    assert_int_equal(f->problems, 0);
    assert_int_equal(f->report.segments_damaged, 1);
    assert_int_equal(f->report.segments_finished, 1);
    check_tidy(f);
    assert_int_equal(f->hooks, 40);
    find_file(f, "2*/*.damaged", path);
    size_t kept_bytes;
    uint8_t *kept = file_bytes_read(path, &kept_bytes);
    assert_int_equal(kept_bytes, bytes);
    assert_memory_equal(kept, data, bytes);
    free(kept);
    free(data);
}

/* ---- Without a control file ------------------------------------------------------------------ */

static void unsealed_segments_without_a_control_file(void **state) {
    struct fixture *f = *state;
    struct segment_maker maker;
    segment_maker_init(&maker, alog_io_system(), f->dir, 0x77);
    for (int i = 0; i < 3; i++) {
        segment_maker_begin(&maker);
        segment_maker_add_line(&maker,
                               "{\"event\":\"error\",\"timestamp\":5,\"error_type\":\"x\"}");
        assert_int_equal(segment_maker_end_block(&maker), ALOG_OK);
        segment_maker_abandon(&maker);
    }
    /* One that is being written is left alone. */
    struct segment_maker alive;
    segment_maker_init(&alive, alog_io_system(), f->dir, 0x78);
    segment_maker_begin(&alive);
    recover(f);
    assert_int_equal(f->problems, 0);
    assert_int_equal(f->report.writers_dead, 1);
    assert_int_equal(f->report.writers_finished, 1);
    assert_int_equal(f->report.writers_alive, 1);
    assert_int_equal(f->report.segments_finished, 3);
    segment_maker_seal(&alive);
    segment_maker_free(&alive);
    segment_maker_free(&maker);
    check_tidy(f);
    assert_int_equal(f->errors, 3);
}

/* A writer that closed while the disk did not sync: its events are in an unsealed segment, and its
 * rings are gone because they are not needed. */
static void what_a_failing_disk_left_at_close(void **state) {
    struct fixture *f = *state;
    struct fake_io fake;
    fake_io_init(&fake);
    f->options.io = &fake.io;
    struct alog_writer *writer = NULL;
    assert_int_equal(alog_writer_open(f->dir, &f->options, &writer, NULL), ALOG_OK);
    atomic_store(&fake.failures[FAKE_FSYNC], -EIO);
    for (int i = 0; i < 10; i++) {
        assert_int_equal(log_hook(writer, i), ALOG_OK);
    }
    assert_int_equal(alog_writer_close(writer, NULL), ALOG_IO);
    assert_int_equal(scratch_dir_count(f->dir, ".ring"), 0);
    assert_int_equal(scratch_dir_count(f->dir, ".open"), 1);
    recover(f);
    assert_int_equal(f->report.writers_finished, 1);
    assert_int_equal(f->report.rings_lost, 0);
    check_tidy(f);
    assert_int_equal(f->hooks, 10);
}

/* ---- Without permission ---------------------------------------------------------------------- */

static void writers_of_others_are_counted(void **state) {
    struct fixture *f = *state;
    if (geteuid() != 0) {
        skip();
    }
    leave(f, &(struct life){.hooks_stored = 10, .hooks_in_ring = 10});
    assert_int_equal(chmod(f->dir, 0755), 0);
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/.writers", f->dir);
    assert_int_equal(chmod(path, 0755), 0);
    pid_t child = fork();
    if (child == 0) {
        if (setuid(65534) != 0) {
            _exit(2);
        }
        recover(f);
        _exit(f->problems == 0 && f->report.writers_unknown == 1 ? 0 : 1);
    }
    int status = 0;
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
    recover(f);
    check_tidy(f);
    assert_int_equal(f->hooks, 20);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(there_may_be_nothing_to_do),
        CASE(the_living_are_left_alone),
        CASE(stored_and_in_the_ring),
        CASE(killed_before_the_first_block),
        CASE(killed_before_the_first_event),
        CASE(several_at_once),
        CASE(what_is_finished_is_only_removed),
        CASE(rings_that_were_done_are_not_missed),
        CASE(half_made_files_are_replaced),
        CASE(a_torn_control_file_ends_before_the_tear),
        CASE(a_broken_record_costs_what_follows_it),
        CASE(a_record_that_is_no_event_costs_itself),
        CASE(any_ring_does_no_harm),
        CASE(losses_that_nobody_logged_are_logged),
        CASE(a_ring_that_is_gone_is_told),
        CASE(rings_of_an_earlier_boot_are_not_read),
        CASE(rings_of_another_container_are_waited_for),
        CASE(files_that_are_no_rings_are_not_touched),
        CASE(a_damaged_segment_is_salvaged),
        CASE(unsealed_segments_without_a_control_file),
        CASE(what_a_failing_disk_left_at_close),
        CASE(writers_of_others_are_counted),
    };
    return cmocka_run_group_tests_name("recover", tests, NULL, NULL);
}

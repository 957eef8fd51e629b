/*
 * Power loss on a real file system: an ext4 on a loop device is shut down without flushing (the
 * file system's own ioctl for that), its writer killed, unmounted, mounted again and read. What was
 * synced is there; what is gone is not older than the sync interval; nothing else is damaged; a
 * recovery keeps it all.
 *
 * Needs root, a loop device and mkfs.ext4; what is missing is said, and the test skipped. Mounts
 * are made in a namespace of their own and end with the process, however it ends.
 *
 * ALOG_POWER_LOSSES: how many, half of them at a random moment, half at a random system call.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include <agentlog/reader.h>
#include <agentlog/recover.h>
#include <agentlog/writer.h>

#include "format/io.h"
#include "support/log_walk.h"
#include "support/random_event.h"
#include "support/scratch_dir.h"

/* As in linux/fs.h of newer kernels, and fs/ext4/ext4.h. */
#define SHUTDOWN             _IOR('X', 125, uint32_t)
#define SHUTDOWN_NO_LOGFLUSH 2u

#define MAX_EVENTS 400000u

/* What the child says, in memory that outlives it. Events are numbered from 1. */
struct shared {
    _Atomic uint64_t logged;   /* log calls that returned "stored" */
    _Atomic uint64_t flushed;  /* … before a flush that returned ALOG_OK */
    _Atomic uint64_t synced;   /* … in blocks that were written before a sync that has returned */
    _Atomic uint64_t segments; /* renamed to their final names */
    _Atomic int64_t asked_ns;  /* when the drain thread last asked for the time, */
    _Atomic int64_t longest_ns; /* … and the longest that it did not: scheduling, slow disks */
    _Atomic int64_t cut_ns;
    _Atomic int64_t logged_ns[MAX_EVENTS]; /* by number */
};

struct fixture {
    char *dir;
    char image[512], mounted[512], log_dir[640], rings[512];
    struct shared *shared;
    struct test_random random;
    struct alog_writer_options options;
    bool flushes;            /* now and then; else only the interval syncs, and few segments */
    uint64_t call_to_cut_at; /* 0: at a random moment instead */
    struct alog_io io;       /* the child's */
    _Atomic uint64_t calls;
    struct alog_writer *writer;
    uint64_t settling; /* the drain thread's: events in a sync that may not be complete */
};

static int64_t now_ns(void) {
    return alog_io_system()->monotonic_ns(NULL);
}

/* ---- The file system ------------------------------------------------------------------------ */

static int run(const char *command) {
    int status = system(command);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static int mount_image(struct fixture *f) {
    char command[1200];
    snprintf(command, sizeof command, "mount -o loop '%s' '%s' 2>/dev/null", f->image, f->mounted);
    return run(command);
}

static void shut_down(const struct fixture *f) {
    int fd = open(f->mounted, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint32_t how = SHUTDOWN_NO_LOGFLUSH;
    atomic_store(&f->shared->cut_ns, now_ns());
    if (fd < 0 || ioctl(fd, SHUTDOWN, &how) < 0) {
        abort();
    }
    close(fd);
}

static int cannot(const char *step) {
    printf("SKIPPED: this machine does not allow it: %s: %s\n", step, strerror(errno));
    return 77;
}

/* 0, or why not: 77. */
static int make_file_system(struct fixture *f) {
    if (geteuid() != 0) {
        errno = EPERM;
        return cannot("to be root");
    }
    if (unshare(CLONE_NEWNS) < 0 || mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0) {
        return cannot("a mount namespace");
    }
    int fd = open(f->image, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0 || ftruncate(fd, 128 << 20) < 0) {
        return cannot("an image of 128 MiB");
    }
    close(fd);
    char command[700];
    snprintf(command, sizeof command, "PATH=$PATH:/sbin:/usr/sbin mkfs.ext4 -q -F '%s' 2>/dev/null",
             f->image);
    errno = 0;
    if (run(command) != 0) {
        return cannot("mkfs.ext4");
    }
    errno = 0;
    if (mount_image(f) != 0) {
        return cannot("mount -o loop");
    }
    int dir = open(f->mounted, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    uint32_t how = SHUTDOWN_NO_LOGFLUSH;
    bool works = dir >= 0 && ioctl(dir, SHUTDOWN, &how) == 0;
    int reason = errno;
    close(dir);
    umount2(f->mounted, MNT_DETACH);
    errno = reason;
    return works ? 0 : cannot("the file system's shutdown ioctl");
}

/* ---- The child: logs until its power is cut ------------------------------------------------- */

/* The child's own: the seam's context is not used by the system's calls. */
static struct fixture *child;

static void count_call(void) {
    uint64_t call = atomic_fetch_add(&child->calls, 1) + 1;
    if (call == child->call_to_cut_at) {
        shut_down(child);
        raise(SIGKILL);
    }
}

/* The writer goes on with the next block or sync: the sync before has returned, the names' too. */
static void settle(void) {
    if (child->settling > 0) {
        atomic_store(&child->shared->synced, child->settling);
    }
}

static int64_t child_pwritev(void *context, int fd, const struct iovec *parts, int count,
                             uint64_t offset) {
    count_call();
    settle();
    return alog_io_system()->pwritev(context, fd, parts, count, offset);
}

/* With one thread that logs, the n-th event stored is number n. */
static int child_fdatasync(void *context, int fd) {
    count_call();
    settle();
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    bool known = child->writer != NULL && alog_writer_get_stats(child->writer, &stats) == ALOG_OK;
    int result = alog_io_system()->fdatasync(context, fd);
    child->settling = result >= 0 && known ? stats.stored : 0;
    return result;
}

static int child_fsync(void *context, int fd) {
    count_call();
    int result = alog_io_system()->fsync(context, fd);
    if (result < 0) {
        child->settling = 0; /* that of the segment's names belongs to its sync */
    }
    return result;
}

static int child_ftruncate(void *context, int fd, uint64_t bytes) {
    count_call();
    return alog_io_system()->ftruncate(context, fd, bytes);
}

static int child_rename(void *context, const char *from, const char *to) {
    count_call();
    int result = alog_io_system()->rename(context, from, to);
    if (strstr(to, ".zst") != NULL) {
        atomic_fetch_add(&child->shared->segments, 1);
    }
    return result;
}

static int64_t child_monotonic_ns(void *context) {
    int64_t now = alog_io_system()->monotonic_ns(context);
    int64_t before = atomic_exchange(&child->shared->asked_ns, now);
    if (before != 0 && now - before > atomic_load(&child->shared->longest_ns)) {
        atomic_store(&child->shared->longest_ns, now - before);
    }
    return now;
}

/* Text that says the event's number, and does not compress to nothing. */
static size_t text_of(uint64_t number, char text[160]) {
    struct test_random random = {.state = number};
    size_t len = 16 + 16 * test_random_below(&random, 8);
    for (size_t at = 0; at < len; at += 16) {
        snprintf(text + at, 17, "%016" PRIx64, test_random_next(&random));
    }
    return len;
}

static _Noreturn void log_until_cut(struct fixture *f) {
    child = f;
    f->io = *alog_io_system();
    f->io.pwritev = child_pwritev;
    f->io.fdatasync = child_fdatasync;
    f->io.fsync = child_fsync;
    f->io.ftruncate = child_ftruncate;
    f->io.rename = child_rename;
    f->io.monotonic_ns = child_monotonic_ns;
    f->options.io = &f->io;
    f->options.ring_dir = f->rings;
    struct alog_writer *writer;
    if (alog_writer_open(f->log_dir, &f->options, &writer, NULL) != ALOG_OK) {
        _exit(1);
    }
    f->writer = writer;
    struct shared *shared = f->shared;
    for (uint64_t number = 1; number < MAX_EVENTS; number++) {
        char text[160];
        size_t len = text_of(number, text);
        atomic_store(&shared->logged_ns[number], now_ns());
        struct alog_error_event event = {.error_type = ALOG_STR("hook"),
                                         .error_message = {text, len},
                                         .line_number = ALOG_I64((int64_t)number)};
        while (alog_log_error(writer, &event) != ALOG_OK) {
            usleep(1000);
        }
        atomic_store(&shared->logged, number);
        if (f->flushes && number % 997 == 0 && alog_writer_flush(writer, 60000, NULL) == ALOG_OK) {
            atomic_store(&shared->flushed, number);
        }
        if (number % 50 == 0) {
            usleep(500);
        }
    }
    for (;;) {
        pause();
    }
}

/* ---- Reading -------------------------------------------------------------------------------- */

struct tally {
    uint64_t numbers, last, faults;
};

static void count_event(void *context, const struct alog_event *event) {
    struct tally *tally = context;
    if (!alog_string_equal(event->name, ALOG_STR("error"))) {
        return;
    }
    uint64_t number = (uint64_t)event->values[4].i64;
    char text[160];
    struct alog_string expected = {text, text_of(number, text)};
    tally->faults += number <= tally->last || !alog_string_equal(event->values[2].string, expected);
    tally->last = number;
    tally->numbers++;
}

static struct tally read_log(struct fixture *f, const char *when) {
    struct tally tally = {0};
    struct log_walk_result result = {0};
    if (access(f->log_dir, F_OK) == 0) {
        result = log_walk(f->log_dir, count_event, &tally);
    }
    const struct shared *shared = f->shared;
    uint64_t safe = atomic_load(&shared->flushed);
    safe = atomic_load(&shared->synced) > safe ? atomic_load(&shared->synced) : safe;
    /* One after another from the first on: what is gone is the end. */
    if (tally.faults > 0 || tally.numbers != tally.last || result.damages > 0 ||
        result.sequence_faults > 0 || result.chain_faults > 0) {
        fail_msg("%s: %" PRIu64 " wrong, %" PRIu64 " of %" PRIu64 " there, %" PRIu64 " damages",
                 when, tally.faults, tally.numbers, tally.last, result.damages);
    }
    if (tally.last < safe) {
        fail_msg("%s: %" PRIu64 " events are left and %" PRIu64 " were synced", when, tally.last,
                 safe);
    }
    return tally;
}

/* How old the oldest event is that is gone, and how old it may be. */
static void check_age(const struct fixture *f, uint64_t last) {
    struct shared *shared = f->shared;
    uint64_t logged = atomic_load(&shared->logged);
    int64_t cut_ns = atomic_load(&shared->cut_ns);
    int64_t late_ns = cut_ns - atomic_load(&shared->asked_ns);
    int64_t longest_ns = atomic_load(&shared->longest_ns);
    longest_ns = late_ns > longest_ns ? late_ns : longest_ns;
    int64_t lost_ns = last < logged ? cut_ns - atomic_load(&shared->logged_ns[last + 1]) : 0;
    /* The drain thread may come late by as much as it was seen to come late: at most three times,
     * to the cut of a block, to its write, and to its sync. */
    int64_t may_ms = (int64_t)(f->options.flush_interval_ms + f->options.sync_interval_ms) +
                     3 * longest_ns / 1000000;
    printf("of %" PRIu64 " events %" PRIu64 " are left, %" PRIu64 " segments sealed, the oldest "
           "lost is %" PRId64 " ms old (%" PRId64 " may be)\n",
           logged, last, atomic_load(&shared->segments), lost_ns / 1000000, may_ms);
    /* On a machine with other work, any step may come late: three times as old is a fault of ours.
     */
    assert_true(lost_ns / 1000000 <= 3 * may_ms);
}

/* ---- A power loss --------------------------------------------------------------------------- */

static void lose_power(struct fixture *f) {
    memset(f->shared, 0, sizeof *f->shared);
    snprintf(f->log_dir, sizeof f->log_dir, "%s/log-%016" PRIx64, f->mounted,
             test_random_next(&f->random));
    assert_int_equal(mount_image(f), 0);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        log_until_cut(f);
    }
    assert_true(pid > 0);
    if (f->call_to_cut_at == 0) {
        usleep(20000 + test_random_below(&f->random, 900000));
        shut_down(f);
        kill(pid, SIGKILL);
    }
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    /* Memory is gone as well. */
    scratch_dir_remove(strdup(f->rings));
    assert_int_equal(mkdir(f->rings, 0700), 0);
    assert_int_equal(umount2(f->mounted, 0), 0);

    assert_int_equal(mount_image(f), 0);
    struct tally before = read_log(f, "after the power loss");
    check_age(f, before.last);
    struct alog_recover_report report = {0};
    struct alog_error error;
    enum alog_status recovered = alog_recover(f->log_dir, NULL, &report, &error);
    assert_true(recovered == ALOG_OK || (recovered == ALOG_NOT_FOUND && before.last == 0));
    assert_int_equal(report.problems, 0);
    alog_recover_report_free(&report);
    assert_int_equal(read_log(f, "after the recovery").last, before.last);
    assert_int_equal(scratch_dir_count(f->log_dir, ".open"), 0);
    scratch_dir_remove(strdup(f->log_dir));
    assert_int_equal(umount2(f->mounted, 0), 0);
}

static unsigned losses(void) {
    const char *text = getenv("ALOG_POWER_LOSSES");
    return text != NULL ? (unsigned)strtoul(text, NULL, 10) : 8;
}

static void choose(struct fixture *f, unsigned i) {
    f->options.sync = i % 4 == 3 ? ALOG_SYNC_BLOCK : ALOG_SYNC_INTERVAL;
    f->flushes = i % 4 == 1;
    f->options.segment_bytes = i % 4 == 2 ? UINT64_C(64) << 20 : UINT64_C(128) << 10;
}

static void at_any_moment(void **state) {
    struct fixture *f = *state;
    for (unsigned i = 0; i < losses() / 2; i++) {
        choose(f, i);
        f->call_to_cut_at = 0;
        lose_power(f);
    }
}

/* In the middle of making, syncing, sealing and rotating segments. */
static void at_any_call(void **state) {
    struct fixture *f = *state;
    for (unsigned i = 0; i < (losses() + 1) / 2; i++) {
        choose(f, i);
        f->call_to_cut_at = 1 + test_random_below(&f->random, 120);
        lose_power(f);
    }
}

/* ---- The fixture ---------------------------------------------------------------------------- */

static struct fixture fixture;

static int set_up(void **state) {
    *state = &fixture;
    return 0;
}

int main(void) {
    struct fixture *f = &fixture;
    f->dir = scratch_dir_make();
    snprintf(f->image, sizeof f->image, "%s/image", f->dir);
    snprintf(f->mounted, sizeof f->mounted, "%s/mounted", f->dir);
    snprintf(f->rings, sizeof f->rings, "%s/rings", f->dir);
    if (mkdir(f->mounted, 0700) < 0 || mkdir(f->rings, 0700) < 0) {
        return 1;
    }
    f->options = (struct alog_writer_options)ALOG_WRITER_OPTIONS_INIT;
    f->options.block_bytes = 16 * 1024;
    f->options.segment_bytes = 128 * 1024;
    f->options.flush_interval_ms = 40;
    f->options.sync_interval_ms = 100;
    f->shared =
        mmap(NULL, sizeof *f->shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int result = f->shared == MAP_FAILED ? 1 : make_file_system(f);
    if (result == 0) {
        f->random.state = test_random_seed((uint64_t)now_ns());
        const struct CMUnitTest tests[] = {
            cmocka_unit_test_setup(at_any_moment, set_up),
            cmocka_unit_test_setup(at_any_call, set_up),
        };
        result = cmocka_run_group_tests_name("power_loss", tests, NULL, NULL);
    }
    umount2(f->mounted, MNT_DETACH);
    scratch_dir_remove(f->dir);
    return result;
}

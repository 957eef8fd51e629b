/* writer/clock.c: from a counter to the wall clock, over made-up machines, threads and the real. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include <agentlog/writer.h>

#include "support/fake_io.h"
#include "support/log_walk.h"
#include "support/scratch_dir.h"
#include "writer/clock.h"

#define MS       INT64_C(1000000)
#define SECOND   (1000 * MS)
#define HOUR     (3600 * SECOND)
#define INTERVAL (25 * MS)

/* ---- A machine ------------------------------------------------------------------------------ */

struct machine {
    struct alog_clock_calibration calibration;
    int64_t true_ns;   /* since it was switched on */
    uint64_t ticks;    /* its counter, */
    uint64_t mhz;      /* … and how fast that is */
    int64_t slew_ppm;  /* the kernel steers both clocks */
    int64_t steady_ns; /* CLOCK_MONOTONIC, */
    int64_t wall_ns;   /* … CLOCK_REALTIME */
    int64_t noise_ns;  /* samples are off by up to that much */
    uint64_t random;
};

static struct machine switch_on(uint64_t mhz) {
    return (struct machine){.mhz = mhz,
                            .ticks = UINT64_C(1) << 52,
                            .steady_ns = 5 * SECOND,
                            .wall_ns = 20000 * 24 * HOUR,
                            .random = 88172645463325252u};
}

static void run(struct machine *m, int64_t ns) {
    m->true_ns += ns;
    m->ticks += (uint64_t)ns * m->mhz / 1000;
    int64_t shown = ns + ns / 1000 * m->slew_ppm / 1000;
    m->steady_ns += shown;
    m->wall_ns += shown;
}

static int64_t noise(struct machine *m) {
    m->random ^= m->random << 13;
    m->random ^= m->random >> 7;
    m->random ^= m->random << 17;
    return m->noise_ns == 0 ? 0 : (int64_t)(m->random % (uint64_t)(2 * m->noise_ns)) - m->noise_ns;
}

static void calibrate(struct machine *m) {
    struct alog_clock_sample sample = {.ticks = m->ticks,
                                       .width = 200,
                                       .wall_ns = m->wall_ns + noise(m),
                                       .steady_ns = m->steady_ns + noise(m)};
    alog_clock_take(&m->calibration, &sample);
}

static bool has_line(const struct machine *m) {
    return alog_clock_covers(&m->calibration.line, m->ticks);
}

/* How far the line is ahead of the wall clock. */
static int64_t ahead(const struct machine *m) {
    assert_true(has_line(m));
    return alog_clock_at(&m->calibration.line, m->ticks) - m->wall_ns;
}

static void assert_within(int64_t value, int64_t bound) {
    assert_in_range(value + bound, 0, 2 * bound);
}

static struct machine calibrated(uint64_t mhz) {
    struct machine m = switch_on(mhz);
    for (int i = 0; i < 80; i++) {
        run(&m, INTERVAL);
        calibrate(&m);
    }
    assert_within(ahead(&m), 100);
    return m;
}

static const uint64_t speeds[] = {1100, 2595, 4900, 9900};
#define SPEEDS (sizeof speeds / sizeof speeds[0])

/* ---- Lines ---------------------------------------------------------------------------------- */

static void a_line_converts(void **state) {
    (void)state;
    struct alog_clock_line line = {.ticks = 1000, .ns = 5000, .rate = UINT64_C(1) << 31};
    static const struct {
        uint64_t ticks;
        int64_t ns;
    } cases[] = {{1000, 5000}, {1001, 5000}, {1002, 5001}, {3000, 6000}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_true(alog_clock_covers(&line, cases[i].ticks));
        assert_int_equal(alog_clock_at(&line, cases[i].ticks), cases[i].ns);
    }
    /* The greatest product there is. */
    line.rate = UINT32_MAX;
    assert_int_equal(alog_clock_at(&line, 999 + ALOG_CLOCK_TICKS),
                     5000 + (int64_t)ALOG_CLOCK_TICKS - 2);
}

static void a_line_ends(void **state) {
    (void)state;
    struct alog_clock_line line = {.ticks = 1000, .ns = 5000, .rate = UINT64_C(1) << 31};
    assert_true(alog_clock_covers(&line, 999 + ALOG_CLOCK_TICKS));
    assert_false(alog_clock_covers(&line, 1000 + ALOG_CLOCK_TICKS));
    assert_false(alog_clock_covers(&line, 999));
    assert_false(alog_clock_covers(&line, 0));
    assert_false(alog_clock_covers(&ALOG_CLOCK_NO_LINE, 0));
    assert_false(alog_clock_covers(&ALOG_CLOCK_NO_LINE, UINT64_C(1) << 62));
}

static void threads_stay_in_order(void **state) {
    (void)state;
    static const struct {
        int64_t now, last, given;
    } cases[] = {
        {10, 0, 10},
        {10, 10, 10},
        {10, 11, 11},
        {10, 10 + ALOG_CLOCK_JUMP_NS, 10 + ALOG_CLOCK_JUMP_NS},
        {10, 11 + ALOG_CLOCK_JUMP_NS, 10}, /* the clock was set */
        {INT64_MAX, 0, INT64_MAX},
        {0, INT64_MAX, 0},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(alog_clock_in_order(cases[i].now, cases[i].last), cases[i].given);
    }
}

/* ---- Calibration ---------------------------------------------------------------------------- */

static void the_first_line_waits_for_a_rate(void **state) {
    (void)state;
    struct machine m = switch_on(2600);
    calibrate(&m);
    assert_false(has_line(&m));
    run(&m, ALOG_CLOCK_BASELINE_NS - 1000);
    calibrate(&m);
    assert_false(has_line(&m));
    run(&m, 1000);
    calibrate(&m);
    assert_int_equal(ahead(&m), 0);
}

/* Every 100 us over ten seconds: in order, and near the wall clock. */
static void the_wall_clock_is_followed(void **state) {
    (void)state;
    for (size_t i = 0; i < SPEEDS; i++) {
        struct machine m = calibrated(speeds[i]);
        m.noise_ns = 200;
        int64_t last = 0;
        for (int step = 0; step < 100000; step++) {
            run(&m, MS / 10);
            int64_t now = alog_clock_at(&m.calibration.line, m.ticks);
            assert_true(now >= last);
            last = now;
            assert_within(ahead(&m), 2000);
            if (step % 250 == 0) {
                calibrate(&m);
            }
        }
    }
}

static void lines_meet(void **state) {
    (void)state;
    struct machine m = calibrated(2595);
    m.noise_ns = 5000;
    for (int i = 0; i < 1000; i++) {
        run(&m, 20 * MS + i * 10000);
        int64_t before = alog_clock_at(&m.calibration.line, m.ticks);
        calibrate(&m);
        assert_int_equal(alog_clock_at(&m.calibration.line, m.ticks), before);
    }
}

static void the_kernel_steers(void **state) {
    (void)state;
    for (size_t i = 0; i < SPEEDS; i++) {
        for (int64_t ppm = -500; ppm <= 500; ppm += 1000) {
            struct machine m = calibrated(speeds[i]);
            m.slew_ppm = ppm;
            for (int step = 0; step < 200; step++) {
                run(&m, INTERVAL);
                assert_within(ahead(&m), 200000);
                calibrate(&m);
            }
            run(&m, INTERVAL);
            assert_within(ahead(&m), 2000);
        }
    }
}

static void a_small_step_is_worked_off(void **state) {
    (void)state;
    for (size_t i = 0; i < SPEEDS; i++) {
        for (int64_t step = -ALOG_CLOCK_JUMP_NS; step <= ALOG_CLOCK_JUMP_NS;
             step += ALOG_CLOCK_JUMP_NS / 2) {
            struct machine m = calibrated(speeds[i]);
            m.wall_ns += step + (step < 0 ? 1000 : -1000);
            int64_t last = 0;
            for (int j = 0; j < 400; j++) {
                calibrate(&m);
                for (int k = 0; k < 25; k++) {
                    run(&m, MS);
                    int64_t now = alog_clock_at(&m.calibration.line, m.ticks);
                    assert_true(now > last);
                    last = now;
                    assert_within(ahead(&m), 1010000);
                }
            }
            assert_within(ahead(&m), 1000);
        }
    }
}

/* The drain thread may be late, as late as a line lasts: nothing is overdone. */
static void a_late_calibration_overdoes_nothing(void **state) {
    (void)state;
    struct machine m = calibrated(2600);
    m.wall_ns -= 900000;
    calibrate(&m);
    assert_within(ahead(&m) - 900000, 100);
    run(&m, (int64_t)(ALOG_CLOCK_TICKS * 10 / 26) - 1000);
    assert_within(ahead(&m), 2000);
}

static void a_clock_that_is_set_is_followed_at_once(void **state) {
    (void)state;
    static const int64_t steps[] = {-HOUR, -SECOND, -2 * MS, 2 * MS, SECOND, 365 * 24 * HOUR};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct machine m = calibrated(2600);
        run(&m, INTERVAL);
        m.wall_ns += steps[i];
        calibrate(&m);
        assert_int_equal(ahead(&m), 0);
        for (int j = 0; j < 40; j++) {
            run(&m, INTERVAL);
            assert_within(ahead(&m), 100);
            calibrate(&m);
        }
    }
}

/* ---- Not to be trusted ---------------------------------------------------------------------- */

static void a_wide_sample_says_nothing(void **state) {
    (void)state;
    struct machine m = calibrated(2600);
    struct alog_clock_calibration before = m.calibration;
    struct alog_clock_sample wide = {.ticks = m.ticks + 1000000,
                                     .width = 1000000,
                                     .wall_ns = m.wall_ns - HOUR,
                                     .steady_ns = m.steady_ns};
    alog_clock_take(&m.calibration, &wide);
    assert_memory_equal(&m.calibration, &before, sizeof before);
}

/* No line now, and a right one after the next baseline. */
static void assert_begins_anew(struct machine *m) {
    calibrate(m);
    assert_false(has_line(m));
    run(m, INTERVAL);
    calibrate(m);
    assert_within(ahead(m), 100);
    run(m, INTERVAL);
    assert_within(ahead(m), 100);
}

static void after_a_long_pause_everything_begins_anew(void **state) {
    (void)state;
    struct machine m = calibrated(2600);
    run(&m, 10 * SECOND);
    assert_false(has_line(&m));
    assert_begins_anew(&m);
}

static void a_counter_that_was_set_begins_anew(void **state) {
    (void)state;
    static const int64_t steps[] = {INT64_MIN / 8, -(INT64_C(1) << 52), -1000000000,  -1000000,
                                    1000000,       100000000,           INT64_MAX / 8};
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        struct machine m = calibrated(2600);
        run(&m, INTERVAL);
        m.ticks += (uint64_t)steps[i];
        assert_begins_anew(&m);
    }
}

/* The machine was suspended: the wall clock went on, the others did not. Or the counter did, too.
 */
static void a_suspended_machine(void **state) {
    (void)state;
    struct machine m = calibrated(2600);
    m.wall_ns += HOUR;
    calibrate(&m);
    assert_int_equal(ahead(&m), 0);
    m.wall_ns += HOUR;
    m.ticks += (uint64_t)HOUR * 26 / 10;
    assert_begins_anew(&m);
}

/* A virtual machine moved to another processor. */
static void a_counter_that_changes_speed_begins_anew(void **state) {
    (void)state;
    struct machine m = calibrated(2600);
    m.mhz = 2400;
    run(&m, INTERVAL);
    assert_begins_anew(&m);
}

static void an_unlikely_counter_is_not_used(void **state) {
    (void)state;
    static const uint64_t odd[] = {1, 24, 999, 1000, 10100, 100000};
    for (size_t i = 0; i < sizeof odd / sizeof odd[0]; i++) {
        struct machine m = switch_on(odd[i]);
        for (int j = 0; j < 100; j++) {
            calibrate(&m);
            assert_false(has_line(&m));
            run(&m, INTERVAL);
        }
    }
}

static void no_time_before_1970(void **state) {
    (void)state;
    struct machine m = calibrated(2600);
    m.wall_ns = -HOUR;
    for (int i = 0; i < 4; i++) {
        run(&m, INTERVAL);
        calibrate(&m);
        assert_false(has_line(&m));
    }
    m.wall_ns = HOUR;
    run(&m, INTERVAL);
    calibrate(&m);
    assert_int_equal(ahead(&m), 0);
}

/* ---- Publication ---------------------------------------------------------------------------- */

static void *read_lines(void *argument) {
    const struct alog_clock *clock = argument;
    uint64_t faults = 0;
    uint64_t last = 0;
    while (last < 50000) {
        struct alog_clock_line line;
        if (alog_clock_read(clock, &line)) {
            faults += line.ticks < last || (uint64_t)line.ns != line.ticks * 3 ||
                      line.rate != line.ticks * 5;
            last = line.ticks;
        }
    }
    return faults == 0 ? NULL : argument;
}

static void readers_see_whole_lines(void **state) {
    (void)state;
    struct fake_io fake;
    fake_io_init(&fake);
    struct alog_clock clock;
    alog_clock_init(&clock, &fake.io);
    struct alog_clock_line line = {0};
    alog_clock_publish(&clock, &line);
    pthread_t readers[2];
    for (int i = 0; i < 2; i++) {
        assert_int_equal(pthread_create(&readers[i], NULL, read_lines, &clock), 0);
    }
    for (uint64_t i = 1; i <= 50000; i++) {
        line = (struct alog_clock_line){.ticks = i, .ns = (int64_t)i * 3, .rate = i * 5};
        alog_clock_publish(&clock, &line);
    }
    for (int i = 0; i < 2; i++) {
        void *faulty = NULL;
        pthread_join(readers[i], &faulty);
        assert_null(faulty);
    }
}

static void a_test_clock_is_asked_each_time(void **state) {
    (void)state;
    struct fake_io fake;
    fake_io_init(&fake);
    struct alog_clock clock;
    alog_clock_init(&clock, &fake.io);
    assert_false(clock.counter);
    alog_clock_calibrate(&clock);
    int64_t before = alog_clock_now(&clock);
    atomic_store(&fake.realtime_shift_ns, HOUR);
    assert_true(alog_clock_now(&clock) >= before + HOUR / 2);
    atomic_store(&fake.realtime_shift_ns, -200 * 365 * 24 * HOUR);
    assert_int_equal(alog_clock_now(&clock), 0);
}

/* ---- The real machine ----------------------------------------------------------------------- */

static int64_t kernel_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * SECOND + now.tv_nsec;
}

static void pause_ms(long ms) {
    nanosleep(&(struct timespec){0, ms * 1000000}, NULL);
}

static void assert_near_the_kernel(const struct alog_clock *clock) {
    int64_t before = kernel_ns();
    int64_t now = alog_clock_now(clock);
    int64_t after = kernel_ns();
    assert_in_range(now, before - MS, after + MS);
}

static void this_machine(void **state) {
    (void)state;
    struct alog_clock clock;
    alog_clock_init(&clock, alog_io_system());
    assert_near_the_kernel(&clock);
    for (int i = 0; i < 20; i++) {
        alog_clock_calibrate(&clock);
        for (int j = 0; j < 1000; j++) {
            assert_near_the_kernel(&clock);
        }
        pause_ms(15);
    }
}

struct seen {
    int64_t last_ns;
    uint64_t events, disordered, outside;
    int64_t from_ns, to_ns;
};

static void look_at(void *context, const struct alog_event *event) {
    struct seen *seen = context;
    if (event->name.len != 5 || memcmp(event->name.data, "error", 5) != 0) {
        return; /* the writer's own */
    }
    seen->events++;
    seen->disordered += event->timestamp_ns < seen->last_ns;
    seen->outside +=
        event->timestamp_ns < seen->from_ns - MS || event->timestamp_ns > seen->to_ns + MS;
    seen->last_ns = event->timestamp_ns;
}

/* From the first event, which has no line yet, through several lines. */
static void events_of_a_thread_are_in_order(void **state) {
    (void)state;
    char *dir = scratch_dir_make();
    struct alog_writer *writer = NULL;
    assert_int_equal(alog_writer_open(dir, NULL, &writer, NULL), ALOG_OK);
    struct seen seen = {.from_ns = kernel_ns()};
    for (int i = 0; i < 100; i++) {
        for (int j = 0; j < 50; j++) {
            struct alog_error_event event = {.error_type = ALOG_STR("test")};
            assert_int_equal(alog_log_error(writer, &event), ALOG_OK);
        }
        pause_ms(2);
    }
    seen.to_ns = kernel_ns();
    assert_int_equal(alog_writer_close(writer, NULL), ALOG_OK);
    log_walk(dir, look_at, &seen);
    scratch_dir_remove(dir);
    assert_int_equal(seen.events, 5000);
    assert_int_equal(seen.disordered, 0);
    assert_int_equal(seen.outside, 0);
}

int main(void) {
#define CASE(name) cmocka_unit_test(name)
    const struct CMUnitTest tests[] = {
        CASE(a_line_converts),
        CASE(a_line_ends),
        CASE(threads_stay_in_order),
        CASE(the_first_line_waits_for_a_rate),
        CASE(the_wall_clock_is_followed),
        CASE(lines_meet),
        CASE(the_kernel_steers),
        CASE(a_small_step_is_worked_off),
        CASE(a_late_calibration_overdoes_nothing),
        CASE(a_clock_that_is_set_is_followed_at_once),
        CASE(a_wide_sample_says_nothing),
        CASE(after_a_long_pause_everything_begins_anew),
        CASE(a_counter_that_was_set_begins_anew),
        CASE(a_suspended_machine),
        CASE(a_counter_that_changes_speed_begins_anew),
        CASE(an_unlikely_counter_is_not_used),
        CASE(no_time_before_1970),
        CASE(readers_see_whole_lines),
        CASE(a_test_clock_is_asked_each_time),
        CASE(this_machine),
        CASE(events_of_a_thread_are_in_order),
    };
    return cmocka_run_group_tests_name("clock", tests, NULL, NULL);
}

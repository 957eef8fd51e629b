/* Comparing a writer's books; see loss_check.h. */
#include "loss_check.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum alog_status loss_check_log(struct loss_check *check, struct alog_writer *writer, int type) {
    atomic_fetch_add(&check->begun, 1);
    enum alog_status status =
        type == LOSS_CHECK_A
            ? alog_log_error(writer, &(struct alog_error_event){.error_type = ALOG_STR("hook")})
            : alog_log_hook_execution(
                  writer, &(struct alog_hook_execution){.hook_name = ALOG_STR("ruff"),
                                                        .status = ALOG_HOOK_STATUS_SUCCESS});
    switch (status) {
    case ALOG_OK:
        atomic_fetch_add(&check->stored[type], 1);
        break;
    case ALOG_DROPPED:
        atomic_fetch_add(&check->dropped[type], 1);
        break;
    case ALOG_CLOSED:
        atomic_fetch_add(&check->closed, 1);
        break;
    default:
        atomic_fetch_add(&check->other, 1);
        break;
    }
    return status;
}

static bool is(const char *what, uint64_t is, uint64_t expected) {
    if (is != expected) {
        fprintf(stderr, "%s: %" PRIu64 ", not %" PRIu64 "\n", what, is, expected);
    }
    return is == expected;
}

static bool at_least(const char *what, uint64_t is, uint64_t least) {
    if (is < least) {
        fprintf(stderr, "%s: %" PRIu64 ", less than %" PRIu64 "\n", what, is, least);
    }
    return is >= least;
}

bool loss_check_sample(struct loss_check *check, struct alog_writer *writer,
                       struct loss_check_sample *last) {
    uint64_t dropped = 0;
    uint64_t stored = 0;
    for (int type = 0; type < LOSS_CHECK_TYPES; type++) {
        stored += atomic_load(&check->stored[type]);
        dropped += atomic_load(&check->dropped[type]);
    }
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    if (alog_writer_get_stats(writer, &stats) != ALOG_OK) {
        return true; /* closed */
    }
    uint64_t begun = atomic_load(&check->begun);
    bool fine = is("emitted", stats.emitted, stats.stored + stats.dropped + stats.in_flight);
    fine &= at_least("emitted after calls returned", stats.emitted, stored + dropped);
    fine &= at_least("dropped after calls returned", stats.dropped, dropped);
    fine &= at_least("calls begun", begun, stats.emitted);
    fine &= at_least("emitted since the last look", stats.emitted, last->emitted);
    fine &= at_least("dropped since the last look", stats.dropped, last->dropped);
    fine &= at_least("in flight is no negative number", UINT64_MAX / 2, stats.in_flight);
    *last = (struct loss_check_sample){stats.emitted, stats.dropped};
    return fine;
}

static void see_loss(struct loss_check *check, const struct alog_event *event) {
    uint64_t count = (uint64_t)event->values[1].i64;
    if (alog_string_equal(event->values[0].string, ALOG_STR("error"))) {
        check->lost[LOSS_CHECK_A] += count;
    } else if (alog_string_equal(event->values[0].string, ALOG_STR("hook_execution"))) {
        check->lost[LOSS_CHECK_B] += count;
    } else {
        check->lost_others += count;
    }
    char reason[64] = " ";
    strncat(reason, event->values[2].string.data, event->values[2].string.len);
    if (strstr(check->reasons, reason) == NULL) {
        strcat(check->reasons, reason);
    }
}

static void see(void *context, const struct alog_event *event) {
    struct loss_check *check = context;
    check->found[LOSS_CHECK_A] += alog_string_equal(event->name, ALOG_STR("error"));
    check->found[LOSS_CHECK_B] += alog_string_equal(event->name, ALOG_STR("hook_execution"));
    if (alog_string_equal(event->name, ALOG_STR("writer_loss"))) {
        see_loss(check, event);
    }
    if (alog_string_equal(event->name, ALOG_STR("writer_stats"))) {
        check->stats_emitted = event->values[0].i64;
        check->stats_stored = event->values[1].i64;
        check->stats_dropped = event->values[2].i64;
    }
}

bool loss_check_read(struct loss_check *check, const char *log_dir) {
    check->walk = log_walk(log_dir, see, check);
    bool fine = is("results of other kinds", atomic_load(&check->other), 0);
    uint64_t lost_later = 0; /* stored, and lost when a sync failed */
    for (int type = 0; type < LOSS_CHECK_TYPES; type++) {
        uint64_t stored = atomic_load(&check->stored[type]);
        uint64_t dropped = atomic_load(&check->dropped[type]);
        fine &= is(type == LOSS_CHECK_A ? "A found or lost" : "B found or lost",
                   check->found[type] + check->lost[type], stored + dropped);
        fine &= at_least("stored", stored, check->found[type]);
        lost_later += stored - check->found[type];
    }
    bool badly_synced = strstr(check->reasons, "sync_failed") != NULL;
    if (!badly_synced) {
        fine &= is("lost later", lost_later, 0);
        fine &= is("damages", check->walk.damages, 0);
        fine &= is("sequence faults", check->walk.sequence_faults, 0);
        fine &= is("chain faults", check->walk.chain_faults, 0);
    }
    uint64_t lost = check->lost[LOSS_CHECK_A] + check->lost[LOSS_CHECK_B];
    fine &= is("lost others", check->lost_others, 0);
    fine &= is("dropped in the last block's header", check->walk.dropped, lost);
    fine &= is("dropped in the last writer_stats", (uint64_t)check->stats_dropped, lost);
    fine &= is("stored in the last writer_stats", (uint64_t)check->stats_stored,
               check->found[LOSS_CHECK_A] + check->found[LOSS_CHECK_B]);
    return fine;
}

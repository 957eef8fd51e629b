/* One dead writer, from its lock to the removal of what it left; the order of the steps and why is
 * in recover_state.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "format/error.h"
#include "recover_state.h"

struct finishing {
    struct alog_recover_run *run;
    const struct alog_dead_writer *writer;
    struct alog_log_files files; /* the writer's */
    struct alog_schema *schema;
    struct alog_control_facts facts;
    struct alog_past past;
    struct alog_dead_rings rings;
    bool has_new; /* the rings hold what the log does not */
    struct alog_recover_drain drain;
    uint64_t segments, recovered, lost, rings_lost, missing_events;
    struct alog_error error;
};

/* Leave the writer as it is, and say why. */
static void set_aside(struct finishing *f, enum alog_status status) {
    alog_recover_tell(f->run, ALOG_RECOVER_PROBLEM, f->writer->writer_id, status, "%s",
                      f->error.message[0] != '\0' ? f->error.message : alog_status_name(status));
}

/* ---- What is there --------------------------------------------------------------------------- */

/* A segment's file id, and whether it is sealed. False: it cannot be opened. */
static bool identify(const struct alog_io *io, const char *path, uint8_t ret_id[16],
                     bool *ret_sealed) {
    struct alog_segment_scan *scan;
    if (alog_segment_scan_open(io, path, NULL, NULL, &scan, NULL) != ALOG_OK) {
        return false;
    }
    memcpy(ret_id, alog_segment_scan_file_header(scan)->file_id, 16);
    *ret_sealed = alog_segment_scan_sealed(scan);
    alog_segment_scan_close(scan);
    return true;
}

/* A .open file beside its final name is what a recovery (or a rename by link and unlink) left when
 * it was killed. */
static enum alog_status find_superseded(struct finishing *f) {
    const struct alog_io *io = f->run->io;
    for (size_t i = 1; i < f->files.count; i++) {
        struct alog_log_file *open = &f->files.files[i];
        const struct alog_log_file *final = open - 1;
        if (open->kind != ALOG_FILE_OPEN || final->kind != ALOG_FILE_SEALED ||
            final->number != open->number || final->start_ns != open->start_ns) {
            continue;
        }
        uint8_t final_id[16], open_id[16];
        bool final_sealed = false, open_sealed;
        if (!identify(io, final->path, final_id, &final_sealed) || !final_sealed ||
            (identify(io, open->path, open_id, &open_sealed) &&
             memcmp(open_id, final_id, 16) != 0)) {
            return alog_fail(&f->error, ALOG_CORRUPT, 0, -1,
                             "%s and the file with its final name are not the same segment",
                             open->path);
        }
        open->superseded = true;
        open->done = true;
    }
    return ALOG_OK;
}

/* The lock on the control file says that nobody is at them. */
static enum alog_status remove_half_made(struct finishing *f) {
    const struct alog_io *io = f->run->io;
    for (size_t i = 0; i < f->files.count && f->writer->control_fd >= 0; i++) {
        const struct alog_log_file *file = &f->files.files[i];
        if (file->kind == ALOG_FILE_RECOVERING) {
            int result = io->unlink(io->context, file->path);
            if (result < 0 && result != -ENOENT) {
                return alog_fail(&f->error, ALOG_IO, -result, -1, "cannot remove %s", file->path);
            }
        }
    }
    return ALOG_OK;
}

static bool has_unlogged_losses(const struct finishing *f) {
    for (size_t i = 0; i < f->rings.count; i++) {
        const struct alog_dead_ring *ring = &f->rings.rings[i];
        for (uint32_t type = 0; ring->lost_total > 0 && type < ALOG_MAX_TYPES; type++) {
            if (ring->lost[type] > alog_past_loss(&f->past, ring->id, type)) {
                return true;
            }
        }
    }
    return false;
}

/* Whether some ring is where we cannot look: then nothing of the writer may be finished, since that
 * ring's events would come too late. */
static enum alog_status check_rings(struct finishing *f) {
    for (size_t i = 0; i < f->rings.count; i++) {
        const struct alog_dead_ring *ring = &f->rings.rings[i];
        if (f->run->options.give_up_rings) {
            continue;
        }
        if (ring->state == ALOG_DEAD_RING_UNKNOWN_BOOT) {
            return alog_fail(&f->error, ALOG_NOT_FOUND, 0, -1,
                             "whether %.200s is of this boot of the machine cannot be told",
                             ring->path);
        }
        if (ring->state != ALOG_DEAD_RING_ELSEWHERE) {
            continue;
        }
        if (ring->error == ENOENT) {
            return alog_fail(&f->error, ALOG_NOT_FOUND, 0, -1,
                             "its rings are in another container's %.200s: recover there, or give "
                             "them up (--give-up-rings)",
                             f->facts.ring_dir);
        }
        if (ring->error == EBUSY) {
            return alog_fail(&f->error, ALOG_LOCKED, EBUSY, -1,
                             "its rings are in use: this log is a copy of that of a living writer; "
                             "wait for its end, or give its rings up here (--give-up-rings)");
        }
        return alog_fail(&f->error, ALOG_READ_ONLY, ring->error, -1,
                         "ring %" PRIu64 " cannot be read", ring->id);
    }
    return ALOG_OK;
}

static enum alog_status look_at_rings(struct finishing *f) {
    const struct alog_io *io = f->run->io;
    enum alog_status status = alog_dead_rings_find(f->run, f->writer->writer_id, &f->facts,
                                                   &f->past, &f->rings, &f->error);
    if (status != ALOG_OK || f->facts.finished) {
        return status;
    }
    uint64_t lost = 0;
    for (size_t i = 0; i < f->rings.count; i++) {
        struct alog_dead_ring *ring = &f->rings.rings[i];
        bool good = ring->state == ALOG_DEAD_RING_GOOD;
        if (good && i > 0 && f->rings.rings[i - 1].id == ring->id &&
            f->rings.rings[i - 1].state == ALOG_DEAD_RING_GOOD) {
            ring->state = ALOG_DEAD_RING_BROKEN; /* a copy: its events would come twice */
            good = false;
        }
        f->rings_lost += !good && ring->state != ALOG_DEAD_RING_UNUSED;
        lost += good ? ring->lost_total : 0;
        f->has_new |= good && ring->from < ring->head;
    }
    status = check_rings(f);
    if (status == ALOG_OK && lost > 0) {
        status = alog_past_read_losses(io, &f->files, f->schema, &f->past, &f->error);
        f->has_new |= status == ALOG_OK && has_unlogged_losses(f);
    }
    return status;
}

static enum alog_status look(struct finishing *f) {
    const struct alog_io *io = f->run->io;
    enum alog_status status = alog_schema_new(&f->schema);
    if (status == ALOG_OK && f->writer->control_fd >= 0) {
        status = alog_control_read(io, f->writer->control_fd, f->schema, &f->facts, &f->error);
    }
    if (status == ALOG_OK) {
        status = find_superseded(f);
    }
    if (status == ALOG_OK) {
        status = remove_half_made(f);
    }
    if (status == ALOG_OK) {
        status = alog_past_read(io, &f->files, &f->past, &f->error);
    }
    if (status == ALOG_OK && f->writer->control_fd >= 0) {
        status = look_at_rings(f);
    }
    return status;
}

/* ---- Draining -------------------------------------------------------------------------------- */

/* With segments missing nobody knows which ring's losses are logged: only that what all rings
 * counted is at least what the last block says. */
static enum alog_status drain_unknown_losses(struct finishing *f) {
    enum alog_status status = ALOG_OK;
    for (uint32_t type = 0; type < ALOG_MAX_TYPES && status == ALOG_OK; type++) {
        uint64_t counted = 0;
        for (size_t i = 0; i < f->rings.count; i++) {
            const struct alog_dead_ring *ring = &f->rings.rings[i];
            counted += ring->state == ALOG_DEAD_RING_GOOD ? ring->lost[type] : 0;
        }
        if (counted > f->past.drops[type]) {
            status = alog_recover_drain_loss(&f->drain, type, counted - f->past.drops[type],
                                             ALOG_RECOVER_RING_FULL, &f->error);
        }
    }
    return status;
}

static enum alog_status drain_ring(struct finishing *f, const struct alog_dead_ring *ring) {
    void *memory;
    enum alog_status status = alog_dead_ring_load(f->run->io, ring, &memory, &f->error);
    if (status == ALOG_OK) {
        status = alog_recover_drain_ring(&f->drain, ring, memory, &f->error);
        free(memory);
    }
    return status;
}

static struct alog_string environment_of(const struct finishing *f) {
    if (f->facts.environment_len > 0) {
        return (struct alog_string){f->facts.environment, f->facts.environment_len};
    }
    /* The control file was lost by the disk. What nobody knows must not pass for production. */
    return f->past.has_environment
               ? (struct alog_string){f->past.environment, f->past.environment_len}
               : ALOG_STR("unknown");
}

/* All rings into `segment`. */
static enum alog_status drain_rings(struct finishing *f, struct alog_segment_writer *segment) {
    f->drain = (struct alog_recover_drain){
        .io = f->run->io, .schema = f->schema, .past = &f->past, .segment = segment};
    enum alog_status status = alog_recover_drain_begin(
        &f->drain, f->writer->writer_id, environment_of(f), f->run->options.compression_level);
    if (status != ALOG_OK) {
        return alog_fail(&f->error, status, 0, -1, "no memory to recover events");
    }
    for (size_t i = 0; i < f->rings.count && status == ALOG_OK; i++) {
        if (f->rings.rings[i].state == ALOG_DEAD_RING_GOOD) {
            status = drain_ring(f, &f->rings.rings[i]);
        }
    }
    if (status == ALOG_OK && !f->past.losses_known) {
        status = drain_unknown_losses(f);
    }
    return status == ALOG_OK ? alog_recover_drain_end(&f->drain, &f->error) : status;
}

static void count_losses(struct finishing *f, enum alog_recover_reason reason);

/* What the drain did is in the log now. */
static void count_drained(struct finishing *f) {
    f->recovered += f->drain.recovered;
    f->run->report.events_recovered += f->drain.recovered;
    f->run->report.bytes_lost += f->drain.bytes_lost;
    count_losses(f, ALOG_RECOVER_RING_FULL);
    count_losses(f, ALOG_RECOVER_UNREADABLE);
    f->has_new = false;
}

/* ---- Segments -------------------------------------------------------------------------------- */

/*
 * Finish a segment: drain the rings into it (`drain`), seal, read back, name. The handle is gone
 * after this; *ret_named false: it had no blocks, and is removed. On failure it is removed, too.
 */
static enum alog_status finish_segment(struct finishing *f, struct alog_segment_writer *segment,
                                       bool drain, bool *ret_named) {
    uint64_t new_from = alog_segment_bytes(segment);
    enum alog_status status = drain ? drain_rings(f, segment) : ALOG_OK;
    uint64_t written = drain ? f->drain.written : 0;
    *ret_named = status == ALOG_OK && alog_segment_blocks(segment) > 0;
    if (*ret_named) {
        status = alog_segment_complete(segment, true, &f->error);
    }
    if (*ret_named && status == ALOG_OK) {
        status = alog_recover_check(f->run->io, alog_segment_path(segment), new_from,
                                    alog_segment_blocks(segment), written, &f->error);
    }
    if (status != ALOG_OK || !*ret_named) {
        alog_segment_discard(segment);
    } else {
        status = alog_segment_publish(segment, true, &f->error);
    }
    if (drain && status == ALOG_OK) {
        count_drained(f);
    }
    if (drain) {
        alog_recover_drain_free(&f->drain);
        f->drain = (struct alog_recover_drain){0};
    }
    if (status == ALOG_OK && *ret_named) {
        f->segments++;
        f->run->report.segments_finished++;
    }
    return status;
}

/* One unsealed segment; the last one takes what the rings hold. */
static enum alog_status finish_open(struct finishing *f, struct alog_log_file *file) {
    const struct alog_file_header fallback = {.environment = environment_of(f)};
    struct alog_segment_writer *segment;
    struct alog_segment_remains remains;
    enum alog_status status =
        alog_segment_rebuild(f->run->io, file->path, f->writer->control_fd >= 0, &fallback,
                             &segment, &remains, &f->error);
    if (status == ALOG_NOT_FOUND || status == ALOG_EXISTS) {
        file->done = true; /* nothing in it, or finished meanwhile */
        return ALOG_OK;
    }
    if (status == ALOG_CORRUPT && remains.no_segment) {
        /* Its first blocks were lost with the header before they were synced. */
        file->done = file->damaged = true;
        f->run->report.segments_damaged++;
        alog_recover_tell(f->run, ALOG_RECOVER_LOST, f->writer->writer_id, ALOG_OK,
                          "%s; it is kept as .damaged", f->error.message);
        return ALOG_OK;
    }
    if (status == ALOG_CORRUPT) {
        set_aside(f, status); /* its good blocks can be read where it is */
        return ALOG_OK;
    }
    if (status != ALOG_OK) {
        return status;
    }
    bool named;
    bool drain = f->has_new && file->number == f->past.last_number;
    status = finish_segment(f, segment, drain, &named);
    if (status == ALOG_EXISTS && f->writer->control_fd < 0) {
        file->done = true; /* without a control file two may have come this far */
        return ALOG_OK;
    }
    if (status != ALOG_OK) {
        return status;
    }
    file->done = true;
    file->damaged = named && (remains.holes > 0 || remains.header_rebuilt);
    f->run->report.segments_damaged += file->damaged;
    f->run->report.missing_events += remains.missing_events;
    f->missing_events += remains.missing_events;
    if (file->damaged) {
        alog_recover_tell(f->run, ALOG_RECOVER_LOST, f->writer->writer_id, ALOG_OK,
                          "%s was damaged: %" PRIu64 " bytes are no block, %" PRIu64
                          " events are missing; what was there is kept as .damaged",
                          file->path, remains.hole_bytes, remains.missing_events);
    }
    return ALOG_OK;
}

/* No unsealed segment takes what the rings hold: begin one. */
static enum alog_status finish_new(struct finishing *f) {
    struct alog_past *past = &f->past;
    if (past->segments == 0) {
        /* If events went to segments that were moved away meanwhile, their numbers must not be
         * given again: a ring's bytes are more than its events. */
        for (size_t i = 0; i < f->rings.count; i++) {
            past->last_sequence += f->rings.rings[i].tail;
        }
    }
    struct alog_segment_writer *segment;
    enum alog_status status = alog_segment_create_unlisted(
        f->run->io, f->run->log_dir, f->writer->writer_id, past->last_number + 1, environment_of(f),
        past->last_id, past->last_sequence, &segment, &f->error);
    bool named;
    return status == ALOG_OK ? finish_segment(f, segment, true, &named) : status;
}

static enum alog_status finish_segments(struct finishing *f) {
    enum alog_status status = ALOG_OK;
    for (size_t i = 0; i < f->files.count && status == ALOG_OK; i++) {
        struct alog_log_file *file = &f->files.files[i];
        if (file->kind == ALOG_FILE_OPEN && !file->done) {
            status = finish_open(f, file);
        }
    }
    return status == ALOG_OK && f->has_new ? finish_new(f) : status;
}

/* ---- Removing -------------------------------------------------------------------------------- */

/* From here on every event is in the log, and says so to whoever comes after us. */
static enum alog_status write_finished(struct finishing *f) {
    const struct alog_io *io = f->run->io;
    if (f->writer->control_fd < 0 || f->facts.finished) {
        return ALOG_OK;
    }
    uint8_t record[ALOG_CONTROL_FINISHED_BYTES];
    struct iovec part = {record, alog_control_put_finished(record)};
    int result = alog_io_write_all(io, f->writer->control_fd, &part, 1, f->facts.whole_bytes);
    if (result == 0) {
        result = io->fdatasync(io->context, f->writer->control_fd);
    }
    return result < 0 ? alog_fail(&f->error, result == -EROFS ? ALOG_READ_ONLY : ALOG_IO, -result,
                                  -1, "cannot write %s", f->writer->control_path)
                      : ALOG_OK;
}

static enum alog_status remove_file(struct finishing *f, const char *path) {
    int result = f->run->io->unlink(f->run->io->context, path);
    return result < 0 && result != -ENOENT
               ? alog_fail(&f->error, ALOG_IO, -result, -1, "cannot remove %s", path)
               : ALOG_OK;
}

/* The original of a damaged segment stays, under a name that no reader takes for a segment's. */
static enum alog_status keep_damaged(struct finishing *f, const struct alog_log_file *file) {
    char *kept;
    int stem = (int)(strrchr(file->path, '.') - file->path);
    if (asprintf(&kept, "%.*s.damaged", stem, file->path) < 0) {
        return alog_fail(&f->error, ALOG_NO_MEMORY, 0, -1, "no memory for a name");
    }
    int result = f->run->io->rename(f->run->io->context, file->path, kept);
    free(kept);
    return result < 0 ? alog_fail(&f->error, ALOG_IO, -result, -1, "cannot rename %s", file->path)
                      : ALOG_OK;
}

static enum alog_status remove_remains(struct finishing *f) {
    enum alog_status status = ALOG_OK;
    for (size_t i = 0; i < f->rings.count && status == ALOG_OK; i++) {
        if (f->rings.rings[i].path != NULL) {
            status = remove_file(f, f->rings.rings[i].path);
            f->run->report.rings_removed += status == ALOG_OK;
        }
    }
    for (size_t i = 0; i < f->files.count && status == ALOG_OK; i++) {
        const struct alog_log_file *file = &f->files.files[i];
        if (file->kind == ALOG_FILE_OPEN && file->done) {
            status = file->damaged ? keep_damaged(f, file) : remove_file(f, file->path);
        }
    }
    if (status == ALOG_OK && f->writer->control_fd >= 0) {
        status = remove_file(f, f->writer->control_path);
    }
    return status;
}

/* ---- Saying so ------------------------------------------------------------------------------- */

static struct alog_recover_loss *loss_of(struct alog_recover_report *report,
                                         struct alog_string event, const char *reason) {
    for (size_t i = 0; i < report->loss_count; i++) {
        struct alog_recover_loss *loss = &report->losses[i];
        if (loss->reason == reason && alog_string_equal(alog_str(loss->event), event)) {
            return loss;
        }
    }
    struct alog_recover_loss *grown =
        realloc(report->losses, (report->loss_count + 1) * sizeof *grown);
    if (grown == NULL) {
        return NULL;
    }
    report->losses = grown;
    struct alog_recover_loss *loss = &grown[report->loss_count++];
    *loss = (struct alog_recover_loss){.reason = reason};
    memcpy(loss->event, event.data, event.len);
    return loss;
}

static void count_losses(struct finishing *f, enum alog_recover_reason reason) {
    for (uint32_t type = 0; type < ALOG_MAX_TYPES; type++) {
        uint64_t count = f->drain.losses[reason][type];
        if (count == 0) {
            continue;
        }
        const struct alog_event_type *known = alog_schema_type(f->schema, type);
        struct alog_string name = known != NULL ? (struct alog_string){known->name, known->name_len}
                                                : ALOG_STR("unknown");
        struct alog_recover_loss *loss =
            loss_of(&f->run->report, name, alog_recover_reason_name(reason));
        if (loss != NULL) {
            loss->count += count; /* without memory the sum alone tells */
        }
        f->lost += count;
        f->run->report.events_lost += count;
    }
}

static void tell_result(struct finishing *f) {
    alog_recover_tell(f->run, ALOG_RECOVER_DONE, f->writer->writer_id, ALOG_OK,
                      "%" PRIu64 " segment%s finished, %" PRIu64 " event%s taken out of its rings",
                      f->segments, f->segments == 1 ? "" : "s", f->recovered,
                      f->recovered == 1 ? "" : "s");
    if (f->lost > 0) {
        alog_recover_tell(f->run, ALOG_RECOVER_LOST, f->writer->writer_id, ALOG_OK,
                          "%" PRIu64 " event%s lost, which the log says now", f->lost,
                          f->lost == 1 ? " is" : "s are");
    }
    if (f->rings_lost > 0) {
        alog_recover_tell(f->run, ALOG_RECOVER_LOST, f->writer->writer_id, ALOG_OK,
                          "%" PRIu64 " ring%s gone, damaged or of an earlier boot: what %s is not "
                          "known",
                          f->rings_lost, f->rings_lost == 1 ? " is" : "s are",
                          f->rings_lost == 1 ? "it held" : "they held");
    }
}

static enum alog_status finish(struct finishing *f) {
    enum alog_status status = look(f);
    if (status == ALOG_OK) {
        status = finish_segments(f);
    }
    if (status == ALOG_OK) {
        status = write_finished(f);
    }
    if (status == ALOG_OK) {
        f->run->report.rings_lost += f->rings_lost;
        status = remove_remains(f);
    }
    return status;
}

void alog_recover_writer(struct alog_recover_run *run, const struct alog_dead_writer *writer,
                         const struct alog_log_files *files) {
    struct finishing *f = calloc(1, sizeof *f);
    if (f == NULL) {
        alog_recover_tell(run, ALOG_RECOVER_PROBLEM, writer->writer_id, ALOG_NO_MEMORY,
                          "no memory");
        return;
    }
    f->run = run;
    f->writer = writer;
    f->files = alog_log_files_of(files, writer->writer_id);
    uint64_t problems = run->report.problems;
    enum alog_status status = finish(f);
    bool controlled = writer->control_fd >= 0;
    if (status == ALOG_LOCKED && !controlled) {
        run->report.writers_alive++;
    } else if (status != ALOG_OK) {
        set_aside(f, status);
    }
    bool whole = status == ALOG_OK && run->report.problems == problems;
    /* Without a control file a writer is dead if there was something to finish. */
    if (whole && (controlled || f->segments > 0)) {
        run->report.writers_finished++;
        tell_result(f);
    }
    run->report.writers_dead += !controlled && (f->segments > 0 || run->report.problems > problems);
    alog_dead_rings_free(&f->rings);
    alog_past_free(&f->past);
    alog_control_facts_free(&f->facts);
    if (f->schema != NULL) {
        alog_schema_free(f->schema);
    }
    free(f);
}

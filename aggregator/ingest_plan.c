#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "calendar.h"
#include "file_hash.h"
#include "format/error.h"
#include "format/segment_scan.h"
#include "ingest_run.h"

#define MAX_THREADS 64
#define ZONE_BYTES  16

/* ---- Options ---- */

static enum alog_status check_options(struct alog_ingest_setup *setup, struct alog_error *error) {
    struct alog_ingest_options *options = &setup->options;
    if (options->threads == 0) {
        long online = sysconf(_SC_NPROCESSORS_ONLN);
        options->threads = online < 1 ? 1 : online > MAX_THREADS ? MAX_THREADS : (uint32_t)online;
    }
    if (options->threads > MAX_THREADS) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "threads is %u; it may be 1 to %d",
                         options->threads, MAX_THREADS);
    }
    setup->settings.dimension_cap =
        options->dimension_cap ? options->dimension_cap : ALOG_DEFAULT_DIMENSION_CAP;
    alog_latency_limits_default(&setup->settings.latency_limits);
    if (options->latency_thresholds_ms) {
        enum alog_status status = alog_latency_limits_from_ms(
            options->latency_thresholds_ms, options->latency_threshold_count,
            &setup->settings.latency_limits, error);
        if (status != ALOG_OK) {
            return status;
        }
    }
    if (!options->time_zone) {
        return ALOG_OK;
    }
    return alog_time_zone_parse(options->time_zone, &setup->settings.time_zone_offset_s, error);
}

enum alog_status alog_ingest_setup(const struct alog_ingest_options *given,
                                   struct alog_ingest_setup *ret_setup, struct alog_error *error) {
    struct alog_ingest_setup setup = {.options = ALOG_INGEST_OPTIONS_INIT,
                                      .groups_limit_bytes = ALOG_GROUPS_LIMIT_BYTES,
                                      .batches_per_commit = ALOG_BATCHES_PER_COMMIT};
    if (given) {
        if (given->struct_bytes == 0 || given->struct_bytes > sizeof(setup.options)) {
            return alog_fail(error, ALOG_INVALID, 0, -1,
                             "struct_bytes is %zu; start from ALOG_INGEST_OPTIONS_INIT",
                             given->struct_bytes);
        }
        memcpy(&setup.options, given, given->struct_bytes);
    }
    enum alog_status status = check_options(&setup, error);
    if (status == ALOG_OK) {
        *ret_setup = setup;
    }
    return status;
}

/* An offset of whole minutes as --time-zone takes it. */
static void write_zone(int32_t offset_s, char out[ZONE_BYTES]) {
    const int32_t minutes = abs(offset_s) / 60;
    snprintf(out, ZONE_BYTES, "%c%02d:%02d", offset_s < 0 ? '-' : '+', minutes / 60, minutes % 60);
}

enum alog_status alog_ingest_check_settings(const struct alog_ingest_setup *setup,
                                            const struct alog_store_settings *recorded,
                                            struct alog_error *error) {
    if (setup->options.time_zone &&
        setup->settings.time_zone_offset_s != recorded->time_zone_offset_s) {
        char its[ZONE_BYTES];
        char given[ZONE_BYTES];
        write_zone(recorded->time_zone_offset_s, its);
        write_zone(setup->settings.time_zone_offset_s, given);
        return alog_fail(error, ALOG_INVALID, 0, -1,
                         "the database's time zone is %s, not %s; rebuild it to change that", its,
                         given);
    }
    if (setup->options.dimension_cap && setup->settings.dimension_cap != recorded->dimension_cap) {
        return alog_fail(
            error, ALOG_INVALID, 0, -1,
            "the database has a dimension_cap of %u, not %u; rebuild it to change that",
            recorded->dimension_cap, setup->settings.dimension_cap);
    }
    if (setup->options.latency_thresholds_ms &&
        !alog_latency_limits_equal(&setup->settings.latency_limits, &recorded->latency_limits)) {
        char its[ALOG_LATENCY_LIMITS_BYTES];
        alog_latency_limits_write(&recorded->latency_limits, its);
        return alog_fail(error, ALOG_INVALID, 0, -1,
                         "the database has other latency thresholds (%s us); rebuild it to change"
                         " that",
                         its);
    }
    return ALOG_OK;
}

/* ---- The plan ---- */

void alog_ingest_plan_free(struct alog_ingest_plan *plan) {
    alog_ingest_list_free(&plan->list);
    free(plan->read);
    free(plan->is_new);
    alog_names_free(&plan->ids);
    free(plan->holders);
    alog_bad_segments_free(&plan->bad);
    *plan = (struct alog_ingest_plan){0};
}

struct planner {
    sqlite3 *db;
    struct alog_ingest_plan *plan;
    const struct alog_ingest_setup *setup;
    struct alog_error *error;
};

/* One segment that is being looked at. */
struct candidate {
    const struct alog_segment_path *path;
    const struct alog_archive_source *source; /* NULL = the file itself */
    struct alog_segment_scan *scan;
    char id[ALOG_SEGMENT_ID_BYTES];
    char digest[ALOG_SEGMENT_ID_BYTES]; /* "" when not sealed */
    uint64_t bytes;
};

static enum alog_status changed(struct planner *planner, const struct candidate *c,
                                const char *how) {
    return alog_fail(
        planner->error, ALOG_CORRUPT, 0, -1,
        "%s %s: segment %s is not what was ingested before; nothing was changed: if it was "
        "repaired, rebuild the database",
        c->path->path, how, c->id);
}

/*
 * Whether the file differs from what was ingested only in that a recovery put holes where there was
 * damage, which the ingest passed over: the same blocks, up to the same place.
 */
static enum alog_status is_salvaged(struct planner *planner, const struct candidate *c,
                                    const struct alog_ledger_row *row, bool *ret_salvaged) {
    struct alog_segment_scan *scan;
    enum alog_status status =
        alog_segment_scan_open(alog_io_system(), c->path->path, NULL, NULL, &scan, planner->error);
    if (status != ALOG_OK) {
        return status;
    }
    uint64_t blocks = 0, events = 0, last_sequence = 0;
    const struct alog_block_header *header = NULL;
    do {
        status = alog_segment_scan_next(scan, &header, planner->error);
        if (status != ALOG_OK || !header || alog_segment_scan_end(scan) > row->bytes) {
            break;
        }
        blocks++;
        events += header->facts.last_sequence - header->facts.first_sequence + 1;
        last_sequence = header->facts.last_sequence;
    } while (alog_segment_scan_end(scan) < row->bytes);
    *ret_salvaged = status == ALOG_OK && header && alog_segment_scan_end(scan) == row->bytes &&
                    alog_segment_scan_holes(scan) > 0 && blocks == row->blocks &&
                    last_sequence == row->last_sequence && events >= row->events;
    alog_segment_scan_close(scan);
    return status;
}

static enum alog_status hash_beginning(struct planner *planner, const struct candidate *c,
                                       uint64_t bytes, char ret_sha256[ALOG_SEGMENT_HASH_BYTES]) {
    struct alog_file_hash *hash;
    enum alog_status status =
        alog_file_hash_new(alog_io_system(), alog_segment_scan_fd(c->scan), &hash, planner->error);
    if (status == ALOG_OK) {
        status = alog_file_hash_until(hash, bytes, ret_sha256, planner->error);
        alog_file_hash_free(hash);
    }
    return status;
}

/* That nothing of what was ingested of an unsealed segment has changed. */
static enum alog_status check_prefix(struct planner *planner, const struct candidate *c,
                                     const struct alog_ledger_row *row) {
    char sha256[ALOG_SEGMENT_HASH_BYTES];
    if (c->bytes < row->bytes) {
        return changed(planner, c, "has become shorter");
    }
    enum alog_status status = hash_beginning(planner, c, row->bytes, sha256);
    bool same = status == ALOG_OK && strcmp(sha256, row->sha256) == 0;
    if (status == ALOG_OK && !same) {
        status = is_salvaged(planner, c, row, &same);
    }
    return status == ALOG_OK && !same ? changed(planner, c, "has other content") : status;
}

/* Whether an unsealed segment has grown by a whole block. */
static enum alog_status has_grown(struct planner *planner, const struct candidate *c,
                                  const struct alog_ledger_row *row, bool *ret_grown) {
    const struct alog_block_header *header;
    if (c->bytes < row->bytes) {
        return changed(planner, c, "has become shorter");
    }
    *ret_grown = true;
    if (row->blocks != 0) {
        enum alog_status status =
            alog_segment_scan_seek(c->scan, row->bytes, row->blocks, row->last_sequence + 1);
        if (status == ALOG_OK) {
            status = alog_segment_scan_next(c->scan, &header, planner->error);
        }
        if (status == ALOG_NO_MEMORY) {
            return status;
        }
        *ret_grown = status == ALOG_OK && header != NULL;
    }
    return ALOG_OK;
}

/*
 * Whether a sealed segment that was ingested with damage is another file now. A sound one is known
 * by the digest of its index; that is the same after damage to a block, and after its repair.
 */
static enum alog_status is_other_file(struct planner *planner, const struct candidate *c,
                                      const struct alog_ledger_row *row, bool *ret_other) {
    char sha256[ALOG_SEGMENT_HASH_BYTES];
    if (row->missing_events == 0 || c->source != NULL) {
        *ret_other = false;
        return ALOG_OK;
    }
    enum alog_status status = hash_beginning(planner, c, c->bytes, sha256);
    *ret_other = status == ALOG_OK && strcmp(sha256, row->sha256) != 0;
    return status;
}

/* *ret_other: it has to be set aside. */
static enum alog_status compare_with_ledger(struct planner *planner, const struct candidate *c,
                                            bool *ret_read, bool *ret_new, bool *ret_other) {
    struct alog_ledger_row row;
    bool known;
    enum alog_status status = alog_ledger_find(planner->db, c->id, &row, &known, planner->error);
    if (status != ALOG_OK || !known) {
        *ret_read = *ret_new = true;
        return status;
    }
    if (row.sealed && c->path->open) {
        *ret_read = false; /* a beginning of what is all there */
        return c->bytes > row.bytes ? changed(planner, c, "has grown after it was sealed")
                                    : ALOG_OK;
    }
    if (row.sealed) {
        *ret_read = false;
        bool same = c->bytes == row.bytes && strcmp(c->digest, row.digest) == 0;
        return same ? is_other_file(planner, c, &row, ret_other)
                    : changed(planner, c, "has other content");
    }
    *ret_read = true;
    if (c->source != NULL) {
        return ALOG_OK; /* it goes on by its sequence numbers */
    }
    if (c->path->open) {
        status = has_grown(planner, c, &row, ret_read);
    }
    return status == ALOG_OK && *ret_read ? check_prefix(planner, c, &row) : status;
}

/* Of several files with one id the sealed one counts, else the first. *ret_counts: this one does.
 */
static enum alog_status check_duplicate(struct planner *planner, const struct candidate *c,
                                        uint32_t index, bool *ret_counts) {
    struct alog_ingest_plan *plan = planner->plan;
    struct alog_string id = alog_str(c->id);
    uint32_t before = alog_names_find(&plan->ids, id);
    *ret_counts = before == ALOG_NAME_NONE || !c->path->open;
    if (before == ALOG_NAME_NONE) {
        uint32_t added = alog_names_add(&plan->ids, id);
        if (added == ALOG_NAME_NONE) {
            return alog_fail(planner->error, ALOG_NO_MEMORY, 0, -1, "out of memory");
        }
        plan->holders[added] = index;
        return ALOG_OK;
    }
    uint32_t *holder = &plan->holders[before];
    if (plan->list.segments[*holder].open && *ret_counts) {
        plan->skipped += plan->read[*holder];
        plan->read[*holder] = false;
        *holder = index;
        return ALOG_OK;
    }
    if (*ret_counts) {
        uint64_t bytes = alog_ingest_list_bytes(&plan->list, *holder);
        *ret_counts = false;
        if (bytes != 0 && bytes != c->bytes) {
            return alog_fail(planner->error, ALOG_CORRUPT, 0, -1,
                             "%s and %s have the same id and other content; nothing was changed",
                             plan->list.segments[*holder].path, c->path->path);
        }
    }
    return ALOG_OK;
}

static enum alog_status set_aside(struct planner *planner, uint32_t index, const char *reason) {
    const struct alog_segment_path *path = &planner->plan->list.segments[index];
    char label[ALOG_SEGMENT_LABEL_BYTES];
    alog_ingest_list_label(&planner->plan->list, index, label);
    const struct alog_ingest_options *options = &planner->setup->options;
    bool known = false;
    enum alog_status status =
        alog_bad_segments_known(planner->db, label, reason, &known, planner->error);
    if (status != ALOG_OK) {
        return status;
    }
    if (options->damage && !known) {
        struct alog_damage damage = {
            .kind = ALOG_DAMAGE_HEADER, .path = path->path, .message = reason};
        options->damage(options->damage_context, &damage);
    }
    if (alog_bad_segments_add(&planner->plan->bad, label, reason) != ALOG_OK) {
        return alog_fail(planner->error, ALOG_NO_MEMORY, 0, -1, "out of memory");
    }
    return ALOG_OK;
}

static enum alog_status look_at(struct planner *planner, struct candidate *c, uint32_t index) {
    alog_hex(alog_segment_scan_file_header(c->scan)->file_id, 16, c->id);
    c->bytes = alog_segment_scan_file_bytes(c->scan);
    uint8_t digest[16];
    if (alog_segment_scan_digest(c->scan, digest) == ALOG_OK) {
        alog_hex(digest, 16, c->digest);
    }
    bool read = false, counts = false, other = false;
    enum alog_status status = check_duplicate(planner, c, index, &counts);
    if (status == ALOG_OK && counts) {
        status = compare_with_ledger(planner, c, &read, &planner->plan->is_new[index], &other);
    }
    planner->plan->read[index] = read;
    planner->plan->skipped += !read && !other;
    if (status == ALOG_OK && other) {
        status = set_aside(planner, index,
                           "it was ingested with damaged blocks, and is another file now: if it "
                           "was repaired, rebuild the database");
    }
    return status;
}

/* A file that was just made, or whose making was cut off: nothing to set aside yet. */
static bool is_empty_open(const struct alog_segment_path *path) {
    struct stat info;
    return path->open && lstat(path->path, &info) == 0 && S_ISREG(info.st_mode) &&
           info.st_size == 0;
}

static enum alog_status plan_segment(struct planner *planner, uint32_t index) {
    const struct alog_segment_path *path = &planner->plan->list.segments[index];
    struct candidate c = {.path = path, .source = planner->plan->list.sources[index]};
    struct alog_error cause = {0};
    enum alog_status status =
        alog_ingest_list_open(&planner->plan->list, index, NULL, NULL, &c.scan, &cause);
    if (status == ALOG_NOT_FOUND && path->open) {
        planner->plan->read[index] =
            true; /* sealed since it was listed: looked up when it is read */
        return ALOG_OK;
    }
    if (status == ALOG_NOT_FOUND || (status != ALOG_OK && is_empty_open(path))) {
        planner->plan->skipped++;
        return ALOG_OK;
    }
    if (status == ALOG_NO_MEMORY) {
        return alog_fail(planner->error, status, 0, -1, "%s", cause.message);
    }
    if (status != ALOG_OK) {
        return set_aside(planner, index, cause.message);
    }
    status = look_at(planner, &c, index);
    alog_segment_scan_close(c.scan);
    return status;
}

static void add_up_bytes(struct alog_ingest_plan *plan) {
    for (size_t i = 0; i < plan->list.count; i++) {
        plan->bytes += plan->read[i] ? alog_ingest_list_bytes(&plan->list, i) : 0;
    }
}

enum alog_status alog_ingest_plan_make(sqlite3 *db, const char *log_dir,
                                       const struct alog_ingest_setup *setup,
                                       struct alog_ingest_plan *ret_plan,
                                       struct alog_error *error) {
    struct alog_ingest_plan plan = {0};
    enum alog_status status =
        alog_ingest_list_make(log_dir, setup->options.archive_dir, &plan.list, error);
    if (status == ALOG_OK) {
        /* One id more than segments: the empty name. */
        plan.read = calloc(plan.list.count + 1, sizeof(*plan.read));
        plan.is_new = calloc(plan.list.count + 1, sizeof(*plan.is_new));
        plan.holders = calloc(plan.list.count + 2, sizeof(*plan.holders));
        if (!plan.read || !plan.is_new || !plan.holders || plan.list.count >= UINT32_MAX - 2) {
            status = alog_fail(error, ALOG_NO_MEMORY, 0, -1, "out of memory");
        }
    }
    struct planner planner = {db, &plan, setup, error};
    for (uint32_t i = 0; status == ALOG_OK && i < plan.list.count; i++) {
        status = plan_segment(&planner, i);
    }
    if (status != ALOG_OK) {
        alog_ingest_plan_free(&plan);
        return status;
    }
    add_up_bytes(&plan);
    *ret_plan = plan;
    return ALOG_OK;
}

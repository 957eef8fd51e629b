#include <stdlib.h>

#include "calendar.h"
#include "file_hash.h"
#include "format/error.h"
#include "format/trust.h"
#include "ingest_batch.h"
#include "ingest_run.h"
#include "lost_segments.h"
#include "summarise.h"

/* Segments whose rows wait for the next write. */
#define PENDING_LIMIT 4096u

/* Groups in memory that are written before the memory is full. */
#define LEAST_BATCH_BYTES (4u << 20)

struct run {
    struct alog_store *store;
    struct alog_ingest_plan *plan;
    const struct alog_ingest_setup *setup;
    struct alog_ingest_report *report;
    struct alog_error *error;
    struct alog_fold_scope scope;
    struct alog_fold_pool *pool;
    struct alog_groups groups;
    struct alog_feed feed;
    struct alog_batch_writer writer;
    uint32_t batches;
    struct alog_feed_segment **pending; /* read since the last write */
    size_t pending_count;
    struct alog_feed_segment *current;        /* the last of them, while it is being read, */
    struct alog_file_hash *hash;              /* … and its file's hash */
    const struct alog_archive_source *source; /* … or what it was, if an archive has it */
    uint64_t bytes_before;                    /* of the segments before it */
    uint64_t bytes_written_out;               /* of all that was handed to the writer */
    uint64_t current_start;                   /* where reading it began */
    struct alog_names read_ids; /* of segments: one may be met again under another name */
};

/* ---- Writing ---- */

enum alog_status alog_ingest_conclude(sqlite3 *db, struct alog_day_sums *sums, uint64_t *days,
                                      uint64_t *events_lost, struct alog_error *error) {
    uint64_t summarised = 0;
    int64_t summed_from = INT64_MAX;
    enum alog_status status = alog_lost_segments_update(db, events_lost, error);
    if (status == ALOG_OK && sums) {
        status = alog_day_sums_write(sums, db, &summed_from, error);
    }
    if (status == ALOG_OK) {
        status = alog_summarise_dirty(db, summed_from, &summarised, error);
    }
    if (status == ALOG_OK) {
        status = alog_ledger_reconcile(db, error);
    }
    *days += summarised;
    return status;
}

/* Events that passed a block's checks and yet could not be decoded. */
static void report_undecoded(const struct run *run, const struct alog_feed_segment *segment) {
    const struct alog_ingest_options *options = &run->setup->options;
    if (segment->progress.undecoded != 0 && options->damage) {
        struct alog_damage damage = {.kind = ALOG_DAMAGE_EVENT,
                                     .path = segment->row.name,
                                     .message = "events of a whole block cannot be decoded; they "
                                                "are counted as lost"};
        options->damage(options->damage_context, &damage);
    }
}

static void take_rows(struct run *run, struct alog_batch *batch) {
    for (size_t i = 0; i < run->pending_count; i++) {
        struct alog_feed_segment *segment = run->pending[i];
        run->report->events += segment->progress.events;
        report_undecoded(run, segment);
        alog_feed_settle(segment);
        batch->rows[batch->row_count++] = segment->row;
        if (segment != run->current) {
            free(segment);
        }
    }
    run->pending_count = 0;
    if (run->current) {
        run->pending[run->pending_count++] = run->current;
    }
}

/* Of the log, as far as it has been read; about, where segments are gone on with. */
static uint64_t bytes_read(const struct run *run) {
    return run->bytes_before + (run->current ? run->current->row.bytes : 0);
}

/* Whether more has been read since the last batch than is still to be read. */
static bool is_ending(const struct run *run) {
    const uint64_t read = bytes_read(run), all = run->plan->bytes;
    return read < all && read - run->bytes_written_out >= all - read;
}

/*
 * Whether what has been read is a batch: it fills the memory, or less is to come, so that batches
 * become smaller towards the end, where nothing is left to do beside writing the last one. Small
 * ones are not worth it, for each writes the rows of its hours anew, nor is waiting for the one
 * before, while there is something to fold.
 */
static bool is_batch(const struct run *run) {
    const size_t bytes = alog_fold_pool_bytes(run->pool) + alog_groups_bytes(&run->groups);
    return bytes >= run->setup->groups_limit_bytes ||
           (bytes >= LEAST_BATCH_BYTES && is_ending(run) &&
            !alog_batch_writer_is_busy(&run->writer));
}

/* Hand what has been read so far to the writer. */
static enum alog_status write_out(struct run *run, bool put_bad, bool last) {
    uint32_t threads = run->setup->options.threads;
    struct alog_batch batch = {.groups = calloc(threads + 1, sizeof(*batch.groups)),
                               .group_count = threads + 1,
                               .rows = malloc((run->pending_count + 1) * sizeof(*batch.rows)),
                               .bad = put_bad ? &run->plan->bad : NULL,
                               .commit =
                                   last || ++run->batches % run->setup->batches_per_commit == 0,
                               .ending = is_ending(run)};
    if (!batch.groups || !batch.rows ||
        alog_fold_pool_take(run->pool, batch.groups + 1) != ALOG_OK) {
        batch.group_count = batch.groups ? batch.group_count : 0;
        for (uint32_t i = 0; i < batch.group_count; i++) {
            alog_groups_free(&batch.groups[i]);
        }
        free(batch.groups);
        free(batch.rows);
        return alog_fail(run->error, ALOG_NO_MEMORY, 0, -1, "out of memory");
    }
    batch.groups[0] = run->groups;
    run->groups = (struct alog_groups){0};
    run->bytes_written_out = bytes_read(run);
    take_rows(run, &batch);
    return alog_batch_writer_put(&run->writer, &batch, run->error);
}

/* ---- Reading ---- */

static void tell_progress(const struct run *run, uint64_t done) {
    const struct alog_ingest_options *options = &run->setup->options;
    if (options->progress) {
        options->progress(options->progress_context,
                          done < run->plan->bytes ? done : run->plan->bytes, run->plan->bytes);
    }
}

static enum alog_status hash_row(struct run *run, struct alog_ledger_row *row) {
    if (run->source != NULL) {
        alog_hex(run->source->sha256, sizeof(run->source->sha256), row->sha256);
        return ALOG_OK;
    }
    return alog_file_hash_until(run->hash, row->bytes, row->sha256, run->error);
}

static enum alog_status after_block(void *context, struct alog_feed_segment *segment,
                                    const uint8_t *frame, size_t frame_bytes,
                                    struct alog_error *error) {
    (void)error; /* the run's own */
    struct run *run = context;
    if (run->source != NULL) {
        return ALOG_OK; /* whole or not at all: its places in the archive are not its own */
    }
    tell_progress(run, bytes_read(run));
    /* Bit by bit: the folding threads would run out of blocks during a whole segment. */
    enum alog_status status = alog_file_hash_add(run->hash, segment->row.bytes - frame_bytes, frame,
                                                 frame_bytes, run->error);
    if (status != ALOG_OK) {
        return status;
    }
    if (!is_batch(run)) {
        return ALOG_OK;
    }
    status = hash_row(run, &segment->row);
    return status == ALOG_OK ? write_out(run, false, false) : status;
}

/* The segment's row as the ledger has it, or a new one. */
static enum alog_status begin_row(struct run *run, size_t index, struct alog_segment_scan *scan,
                                  struct alog_ledger_row *ret_row) {
    bool known;
    char label[ALOG_SEGMENT_LABEL_BYTES];
    alog_ingest_list_label(&run->plan->list, index, label);
    alog_feed_begin(alog_segment_scan_file_header(scan), label, ret_row);
    if (run->plan->is_new[index]) {
        return ALOG_OK;
    }
    enum alog_status status = alog_batch_writer_wait(&run->writer, run->error);
    return status == ALOG_OK ? alog_ledger_find(alog_store_db(run->store), ret_row->segment_id,
                                                ret_row, &known, run->error)
                             : status;
}

/* The file has its final name: the row says what it will say for ever. */
static enum alog_status seal_row(struct run *run, struct alog_segment_scan *scan,
                                 struct alog_feed_segment *segment) {
    uint8_t digest[16];
    if (alog_feed_end(&run->feed, segment) != ALOG_OK) {
        return alog_fail(run->error, ALOG_NO_MEMORY, 0, -1, "out of memory");
    }
    segment->row.sealed = true;
    segment->row.bytes = alog_segment_scan_file_bytes(scan);
    if (run->source != NULL) {
        segment->row.blocks = run->source->blocks;
    }
    if (alog_segment_scan_digest(scan, digest) == ALOG_OK) {
        alog_hex(digest, 16, segment->row.digest);
    }
    return ALOG_OK;
}

/* It cannot be read, or not on: the next run tries again. */
static enum alog_status set_aside(struct run *run, size_t index, const char *reason) {
    char label[ALOG_SEGMENT_LABEL_BYTES];
    alog_ingest_list_label(&run->plan->list, index, label);
    return alog_bad_segments_add(&run->plan->bad, label, reason) == ALOG_OK
               ? ALOG_OK
               : alog_fail(run->error, ALOG_NO_MEMORY, 0, -1, "out of memory");
}

static enum alog_status read_blocks(struct run *run, size_t index, bool sealed,
                                    struct alog_segment_scan *scan) {
    struct alog_feed_segment *segment = run->current;
    struct alog_error cause = {0};
    enum alog_status status = alog_feed_blocks(&run->feed, scan, UINT64_MAX, segment, &cause);
    if (status == ALOG_IO && cause.status == ALOG_IO) {
        /* The disk fails here: what was read counts. */
        status = set_aside(run, index, cause.message);
        sealed = false;
    } else if (status != ALOG_OK) {
        if (run->error && cause.status != ALOG_OK) {
            *run->error = cause;
        }
        return status;
    }
    if (status == ALOG_OK && sealed) {
        status = seal_row(run, scan, segment);
    }
    return status == ALOG_OK ? hash_row(run, &segment->row) : status;
}

/* A row that says nothing new is not written. */
static void drop_current(struct run *run) {
    run->pending_count--;
    free(run->current);
    run->current = NULL;
    run->report->segments_skipped++;
}

static enum alog_status read_segment(struct run *run, size_t index, bool sealed,
                                     struct alog_segment_scan *scan) {
    struct alog_feed_segment *segment = calloc(1, sizeof(*segment));
    if (!segment) {
        return alog_fail(run->error, ALOG_NO_MEMORY, 0, -1, "out of memory");
    }
    run->current = run->pending[run->pending_count++] = segment;
    enum alog_status status = begin_row(run, index, scan, &segment->row);
    if (status != ALOG_OK) {
        return status;
    }
    /* Sealed or archived since it was listed, and listed again as that. */
    const struct alog_string id = alog_str(segment->row.segment_id);
    if (segment->row.sealed || alog_names_find(&run->read_ids, id) != ALOG_NAME_NONE) {
        drop_current(run);
        return ALOG_OK;
    }
    if (alog_names_add(&run->read_ids, id) == ALOG_NAME_NONE) {
        return alog_fail(run->error, ALOG_NO_MEMORY, 0, -1, "out of memory");
    }
    uint64_t blocks_before = segment->row.blocks;
    run->current_start = segment->row.bytes;
    status = read_blocks(run, index, sealed, scan);
    if (status != ALOG_OK) {
        return status;
    }
    if (!segment->row.sealed && segment->row.blocks == blocks_before) {
        drop_current(run);
        return ALOG_OK;
    }
    run->report->bytes += segment->row.bytes - run->current_start;
    run->report->segments_ingested++;
    run->current = NULL;
    return ALOG_OK;
}

/* What was sealed since it was listed is opened under its final name. */
static enum alog_status open_and_read(struct run *run, size_t index) {
    const struct alog_ingest_options *options = &run->setup->options;
    struct alog_segment_scan *scan = NULL;
    struct alog_error cause = {0};
    enum alog_status status = alog_ingest_list_open(&run->plan->list, index, options->damage,
                                                    options->damage_context, &scan, &cause);
    if (status == ALOG_NOT_FOUND) { /* removed since */
        run->report->segments_skipped++;
        return ALOG_OK;
    }
    if (status == ALOG_NO_MEMORY) {
        return alog_fail(run->error, status, 0, -1, "%s", cause.message);
    }
    if (status != ALOG_OK) { /* spoiled since */
        return set_aside(run, index, cause.message);
    }
    run->source = run->plan->list.sources[index];
    if (run->source == NULL) {
        status = alog_file_hash_new(alog_io_system(), alog_segment_scan_fd(scan), &run->hash,
                                    run->error);
    }
    if (status == ALOG_OK) {
        status = read_segment(run, index, !alog_segment_scan_named_open(scan), scan);
    }
    run->bytes_before += alog_segment_scan_file_bytes(scan);
    alog_file_hash_free(run->hash);
    run->hash = NULL;
    alog_segment_scan_close(scan);
    return status;
}

static enum alog_status read_all(struct run *run) {
    enum alog_status status = ALOG_OK;
    for (size_t i = 0; status == ALOG_OK && i < run->plan->list.count; i++) {
        if (!run->plan->read[i]) {
            continue;
        }
        status = open_and_read(run, i);
        tell_progress(run, run->bytes_before);
        if (status == ALOG_OK && run->pending_count >= PENDING_LIMIT) {
            status = write_out(run, false, false);
        }
    }
    return status;
}

static enum alog_status execute(struct run *run) {
    enum alog_status status = read_all(run);
    if (status != ALOG_OK) {
        return status;
    }
    run->report->segments_seen = run->plan->list.count;
    run->report->segments_skipped += run->plan->skipped;
    run->report->segments_bad = run->plan->bad.count;
    bool bad_differ;
    status = alog_batch_writer_wait(&run->writer, run->error);
    if (status == ALOG_OK) {
        status = alog_bad_segments_differ(alog_store_db(run->store), &run->plan->bad, &bad_differ,
                                          run->error);
    }
    if (status == ALOG_OK &&
        (run->pending_count != 0 || bad_differ || run->writer.in_transaction)) {
        status = write_out(run, bad_differ, true);
    }
    return status == ALOG_OK ? alog_batch_writer_wait(&run->writer, run->error) : status;
}

enum alog_status alog_ingest_execute(struct alog_store *store, struct alog_ingest_plan *plan,
                                     const struct alog_ingest_setup *setup,
                                     struct alog_ingest_report *report, struct alog_error *error) {
    struct run run = {
        .store = store,
        .plan = plan,
        .setup = setup,
        .report = report,
        .error = error,
        .scope = {.time_zone_offset_s = alog_store_settings_of(store)->time_zone_offset_s,
                  .latency_limits = alog_store_settings_of(store)->latency_limits,
                  .rollups = true,
                  .from_epoch_s = INT64_MIN,
                  .until_epoch_s = INT64_MAX,
                  .jobs = true}};
    run.pending = malloc((PENDING_LIMIT + 1) * sizeof(struct alog_feed_segment *));
    enum alog_status status = ALOG_OK;
    if (!run.pending ||
        alog_fold_pool_new(setup->options.threads, &run.scope, &run.pool) != ALOG_OK) {
        status = alog_fail(error, ALOG_NO_MEMORY, 0, -1, "out of memory, or of threads");
    }
    run.feed = (struct alog_feed){.pool = run.pool,
                                  .groups = &run.groups,
                                  .scope = &run.scope,
                                  .context = &run,
                                  .after_block = after_block};
    run.writer.store = store;
    run.writer.time_zone_offset_s = run.scope.time_zone_offset_s;
    if (status == ALOG_OK) {
        status = alog_day_sums_begin(&run.writer.day_sums, alog_store_db(store), error);
    }
    if (status == ALOG_OK) {
        status = execute(&run);
    }
    alog_batch_writer_end(&run.writer);
    alog_fold_pool_free(run.pool);
    alog_names_free(&run.read_ids);
    report->days += run.writer.days;
    report->events_lost += run.writer.events_lost;
    for (size_t i = 0; i < run.pending_count; i++) {
        free(run.pending[i]);
    }
    free(run.pending);
    alog_groups_free(&run.groups);
    return status;
}

static enum alog_status ingest_into(struct alog_store *store, const char *log_dir,
                                    const struct alog_ingest_setup *setup,
                                    struct alog_ingest_report *report, struct alog_error *error) {
    struct alog_ingest_plan plan = {0};
    enum alog_status status =
        alog_ingest_check_settings(setup, alog_store_settings_of(store), error);
    if (status == ALOG_OK && alog_store_is_old(store)) {
        return alog_rebuild_all(store, log_dir, setup, report, error);
    }
    if (status == ALOG_OK) {
        status = alog_ingest_plan_make(alog_store_db(store), log_dir, setup, &plan, error);
    }
    if (status == ALOG_OK) {
        status = alog_ingest_execute(store, &plan, setup, report, error);
    }
    alog_ingest_plan_free(&plan);
    return status;
}

enum alog_status alog_ingest(const char *log_dir, const char *db_path,
                             const struct alog_ingest_options *options,
                             struct alog_ingest_report *ret_report, struct alog_error *error) {
    struct alog_ingest_setup setup;
    struct alog_ingest_report report = {0};
    struct alog_segment_list list;
    enum alog_status status = alog_ingest_setup(options, &setup, error);
    if (status == ALOG_OK) {
        status = alog_trust_log_dir(alog_io_system(), log_dir, NULL, error);
    }
    if (status == ALOG_OK) {
        /* Before a database is made for a log that is not there. */
        status = alog_segments_list(log_dir, &list, error);
    }
    if (status != ALOG_OK) {
        return status;
    }
    alog_segments_free(&list);
    struct alog_store *store;
    status = alog_store_open_any(db_path, &setup.settings, &store, error);
    if (status != ALOG_OK) {
        return status;
    }
    status = ingest_into(store, log_dir, &setup, &report, error);
    enum alog_status closed = alog_store_close(store, status == ALOG_OK ? error : NULL);
    status = status == ALOG_OK ? closed : status;
    if (status == ALOG_OK && ret_report) {
        *ret_report = report;
    }
    return status;
}

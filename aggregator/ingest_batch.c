#include "ingest_batch.h"

#include <stdlib.h>

#include "deltas.h"
#include "format/error.h"
#include "ingest_run.h"

/* More of an hour than that is written with each batch. */
#define MAX_OPEN_HOUR_BYTES (8u << 20)

static void free_batch(struct alog_batch *batch) {
    for (uint32_t i = 0; i < batch->group_count; i++) {
        alog_groups_free(&batch->groups[i]);
    }
    free(batch->groups);
    free(batch->rows);
    *batch = (struct alog_batch){0};
}

static uint64_t count_losses(const struct alog_groups *groups) {
    uint64_t lost = 0;
    for (uint32_t i = 0; i < groups->tables[ALOG_IN_rollup_losses].count; i++) {
        struct alog_group *group = alog_groups_at(groups, ALOG_IN_rollup_losses, i);
        const struct alog_row_rollup_losses *row = (void *)group->row;
        lost += (uint64_t)row->events_lost;
    }
    return lost;
}

/*
 * Events come by and large in the order of time, so that the last hour of a batch goes on in the
 * next: its rows are kept until a batch has them whole, instead of being added to in the database
 * by each. *ret_before_hour: what is to be written now.
 */
static enum alog_status keep_open_hour(struct alog_batch_writer *writer, int64_t *ret_before_hour) {
    struct alog_groups *groups = &writer->batch.groups[0], *kept = &writer->open_hour;
    *ret_before_hour = INT64_MAX;
    if (writer->batch.commit) {
        return ALOG_OK;
    }
    const int64_t hour = alog_groups_last_hour(groups);
    if (hour != INT64_MAX && alog_groups_copy_hours(kept, groups, hour) != ALOG_OK) {
        return ALOG_NO_MEMORY;
    }
    if (alog_groups_bytes(kept) > MAX_OPEN_HOUR_BYTES) {
        alog_groups_free(kept);
    } else {
        *ret_before_hour = hour;
    }
    return ALOG_OK;
}

static enum alog_status no_memory(struct alog_batch_writer *writer) {
    return alog_fail(&writer->error, ALOG_NO_MEMORY, 0, -1, "out of memory");
}

static enum alog_status write_groups(struct alog_batch_writer *writer) {
    struct alog_batch *batch = &writer->batch;
    int64_t before_hour;
    for (uint32_t i = 1; i < batch->group_count; i++) {
        if (alog_groups_merge(&batch->groups[0], &batch->groups[i]) != ALOG_OK) {
            return no_memory(writer);
        }
    }
    writer->events_lost += count_losses(&batch->groups[0]);
    if (alog_groups_merge(&batch->groups[0], &writer->open_hour) != ALOG_OK ||
        keep_open_hour(writer, &before_hour) != ALOG_OK ||
        alog_day_sums_add(&writer->day_sums, &batch->groups[0], before_hour,
                          writer->time_zone_offset_s) != ALOG_OK) {
        return no_memory(writer);
    }
    return alog_deltas_write(alog_store_db(writer->store), &batch->groups[0], before_hour,
                             writer->time_zone_offset_s, &writer->error);
}

static enum alog_status commit(struct alog_batch_writer *writer) {
    sqlite3 *db = alog_store_db(writer->store);
    enum alog_status status = ALOG_OK;
    if (writer->batch.bad) {
        status = alog_bad_segments_put(db, writer->batch.bad, &writer->error);
    }
    if (status == ALOG_OK) {
        status = alog_ingest_conclude(db, &writer->day_sums, &writer->days, &writer->events_lost,
                                      &writer->error);
    }
    if (status == ALOG_OK) {
        status = alog_store_commit(writer->store, &writer->error);
        writer->in_transaction = status != ALOG_OK;
    }
    return status;
}

static enum alog_status write_batch(struct alog_batch_writer *writer) {
    enum alog_status status = ALOG_OK;
    if (!writer->in_transaction) {
        status = alog_deltas_register(alog_store_db(writer->store), &writer->error);
        if (status == ALOG_OK) {
            status = alog_store_begin(writer->store, &writer->error);
        }
        writer->in_transaction = status == ALOG_OK;
    }
    if (status == ALOG_OK) {
        status = write_groups(writer);
    }
    for (size_t i = 0; status == ALOG_OK && i < writer->batch.row_count; i++) {
        status =
            alog_ledger_put(alog_store_db(writer->store), &writer->batch.rows[i], &writer->error);
    }
    if (status == ALOG_OK && writer->batch.commit) {
        status = commit(writer);
    } else if (status == ALOG_OK) {
        alog_store_write_back(writer->store, writer->batch.ending);
    }
    free_batch(&writer->batch);
    return status;
}

static void *run(void *context) {
    struct alog_batch_writer *writer = context;
    writer->status = write_batch(writer);
    /* A hint of when to join; joining is what orders everything else. */
    atomic_store_explicit(&writer->busy, false, memory_order_relaxed);
    return NULL;
}

bool alog_batch_writer_is_busy(const struct alog_batch_writer *writer) {
    return atomic_load_explicit(&writer->busy, memory_order_relaxed);
}

enum alog_status alog_batch_writer_wait(struct alog_batch_writer *writer,
                                        struct alog_error *error) {
    if (writer->running) {
        pthread_join(writer->thread, NULL);
        writer->running = false;
    }
    if (writer->status != ALOG_OK && error) {
        *error = writer->error;
    }
    return writer->status;
}

enum alog_status alog_batch_writer_put(struct alog_batch_writer *writer, struct alog_batch *batch,
                                       struct alog_error *error) {
    enum alog_status status = alog_batch_writer_wait(writer, error);
    if (status != ALOG_OK) {
        free_batch(batch);
        return status;
    }
    writer->batch = *batch;
    *batch = (struct alog_batch){0};
    atomic_store_explicit(&writer->busy, true, memory_order_relaxed);
    writer->running = pthread_create(&writer->thread, NULL, run, writer) == 0;
    if (!writer->running) {
        run(writer); /* then nothing is read meanwhile */
    }
    return ALOG_OK;
}

void alog_batch_writer_end(struct alog_batch_writer *writer) {
    /* Whoever ends without having waited has another error to tell. */
    struct alog_error ignored;
    enum alog_status status = alog_batch_writer_wait(writer, &ignored);
    if (writer->in_transaction || status != ALOG_OK) {
        alog_store_rollback(writer->store);
        writer->in_transaction = false;
    }
    alog_groups_free(&writer->open_hour);
    alog_day_sums_free(&writer->day_sums);
}

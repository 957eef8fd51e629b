#include "feed.h"

#include <inttypes.h>
#include <stdio.h>

#include "format/archive_source.h"
#include "format/block_part.h"
#include "format/error.h"
#include "format/segment_scan.h"

void alog_feed_begin(const struct alog_file_header *header, const char *name,
                     struct alog_ledger_row *ret_row) {
    static const uint8_t none[16];
    *ret_row =
        (struct alog_ledger_row){.number = header->number,
                                 .environment_len = header->environment.len,
                                 .predecessor_last_sequence = header->predecessor_last_sequence};
    alog_hex(header->file_id, 16, ret_row->segment_id);
    snprintf(ret_row->writer_id, sizeof(ret_row->writer_id), "%016" PRIx64, header->writer_id);
    if (header->environment.len != 0) {
        memcpy(ret_row->environment, header->environment.data, header->environment.len);
    }
    snprintf(ret_row->name, sizeof(ret_row->name), "%s", name);
    if (memcmp(header->predecessor_id, none, 16) != 0) {
        alog_hex(header->predecessor_id, 16, ret_row->predecessor_id);
    }
}

/* The sequence number that must come next; 0 = not known, for the file header is lost. */
static uint64_t next_sequence(const struct alog_ledger_row *row) {
    if (row->blocks != 0) {
        return row->last_sequence + 1;
    }
    return row->environment_len != 0 ? row->predecessor_last_sequence + 1 : 0;
}

/* Events up to `last` should have come before `timestamp_ns`. */
static enum alog_status count_gap(const struct alog_feed *feed, struct alog_feed_segment *segment,
                                  uint64_t last, int64_t timestamp_ns) {
    uint64_t next = next_sequence(&segment->row);
    if (next == 0 || last < next) {
        return ALOG_OK;
    }
    uint64_t missing = last - next + 1;
    segment->row.missing_events += missing;
    return alog_fold_gap(feed->groups, feed->scope, segment->progress.environment, timestamp_ns,
                         missing);
}

/* The row goes on behind the block that was just read. */
static void advance(struct alog_ledger_row *row, const struct alog_block_facts *facts,
                    uint64_t last_sequence, uint64_t end) {
    if (row->first_sequence == 0) {
        row->first_sequence = facts->first_sequence;
    }
    row->last_sequence = last_sequence;
    row->bytes = end;
    row->blocks++;
}

/* Of a block only the events from `first` to `last`: the others were ingested before it was merged
 * into an archive's larger one, or are not wanted. */
static enum alog_status add_part(const struct alog_feed *feed, const uint8_t *frame,
                                 const struct alog_block_facts *facts, uint64_t first,
                                 uint64_t last, struct alog_feed_segment *segment,
                                 struct alog_error *error) {
    struct alog_block_part part = {0};
    enum alog_status status = alog_block_part_make(&part, frame, facts, first, last, error);
    if (status == ALOG_OK) {
        status = alog_fold_pool_add(feed->pool, part.frame, &part.facts, &segment->progress);
    }
    alog_block_part_free(&part);
    return status;
}

static enum alog_status feed_block(const struct alog_feed *feed, struct alog_segment_scan *scan,
                                   const struct alog_block_facts *facts,
                                   struct alog_feed_segment *segment, struct alog_error *error) {
    /* Only of an archive can a block be met that was, or that is wanted in part. */
    const uint64_t known = segment->row.blocks != 0 ? segment->row.last_sequence : 0;
    const uint64_t until =
        segment->until_sequence != 0 ? segment->until_sequence : facts->last_sequence;
    if (facts->last_sequence <= known || facts->first_sequence > until) {
        return ALOG_OK;
    }
    const uint64_t first = facts->first_sequence > known ? facts->first_sequence : known + 1;
    const uint64_t last = facts->last_sequence < until ? facts->last_sequence : until;
    const bool whole = first == facts->first_sequence && last == facts->last_sequence;
    uint8_t *frame = alog_fold_pool_room(feed->pool, facts->compressed_bytes);
    enum alog_status status = frame ? alog_segment_scan_frame_into(scan, frame, error)
                                    : alog_fail(error, ALOG_NO_MEMORY, 0, -1, "out of memory");
    if (status == ALOG_CORRUPT) {
        segment->unread_last_sequence = last;
        segment->unread_timestamp_ns = facts->min_timestamp_ns;
        return ALOG_OK;
    }
    if (status == ALOG_OK) {
        status = count_gap(feed, segment, facts->first_sequence - 1, facts->min_timestamp_ns);
    }
    /* An unwanted block was read all the same: whether it can be read decides where gaps are. */
    if (status == ALOG_OK && (!feed->wanted || feed->wanted(feed->context, facts))) {
        status = whole ? alog_fold_pool_add(feed->pool, frame, facts, &segment->progress)
                       : add_part(feed, frame, facts, first, last, segment, error);
    }
    if (status != ALOG_OK) {
        return status == ALOG_NO_MEMORY ? alog_fail(error, status, 0, -1, "out of memory") : status;
    }
    segment->unread_last_sequence = 0;
    advance(&segment->row, facts, last, alog_segment_scan_end(scan));
    return feed->after_block
               ? feed->after_block(feed->context, segment, frame, facts->compressed_bytes, error)
               : ALOG_OK;
}

/* The walk is over: the index of a sealed file knows of events whose block header is lost. Where no
 * block tells their time, the index's latest does: it is the same from wherever reading went on. */
static void note_index_end(const struct alog_segment_scan *scan,
                           struct alog_feed_segment *segment) {
    uint64_t last;
    int64_t timestamp_ns;
    if (!alog_segment_scan_index_end(scan, &last, &timestamp_ns) ||
        last <= segment->unread_last_sequence) {
        return;
    }
    if (segment->unread_last_sequence == 0) {
        segment->unread_timestamp_ns = timestamp_ns;
    }
    segment->unread_last_sequence = last;
}

enum alog_status alog_feed_blocks(const struct alog_feed *feed, struct alog_segment_scan *scan,
                                  uint64_t until, struct alog_feed_segment *segment,
                                  struct alog_error *error) {
    struct alog_ledger_row *row = &segment->row;
    segment->progress.environment = (struct alog_string){row->environment, row->environment_len};
    if (row->blocks != 0 && alog_segment_scan_source(scan) == NULL) {
        enum alog_status status =
            alog_segment_scan_seek(scan, row->bytes, row->blocks, row->last_sequence + 1);
        if (status != ALOG_OK) {
            return alog_fail(error, ALOG_CORRUPT, 0, (int64_t)row->bytes,
                             "%s is shorter than when it was ingested", row->name);
        }
    }
    for (;;) {
        const struct alog_block_header *header;
        enum alog_status status = alog_segment_scan_next(scan, &header, error);
        if (status == ALOG_OK && !header) {
            note_index_end(scan, segment);
        }
        if (status != ALOG_OK || !header || alog_segment_scan_offset(scan) >= until) {
            return status;
        }
        status = feed_block(feed, scan, &header->facts, segment, error);
        if (status != ALOG_OK) {
            return status;
        }
    }
}

enum alog_status alog_feed_end(const struct alog_feed *feed, struct alog_feed_segment *segment) {
    if (segment->unread_last_sequence == 0) {
        return ALOG_OK;
    }
    return count_gap(feed, segment, segment->unread_last_sequence, segment->unread_timestamp_ns);
}

void alog_feed_settle(struct alog_feed_segment *segment) {
    struct alog_ledger_row *row = &segment->row;
    struct alog_fold_progress *progress = &segment->progress;
    if (progress->events != 0) {
        if (row->events == 0 || progress->min_timestamp_ns < row->min_timestamp_ns) {
            row->min_timestamp_ns = progress->min_timestamp_ns;
        }
        if (row->events == 0 || progress->max_timestamp_ns > row->max_timestamp_ns) {
            row->max_timestamp_ns = progress->max_timestamp_ns;
        }
    }
    row->events += progress->events;
    row->missing_events += progress->undecoded;
    progress->events = progress->undecoded = 0;
}

/* Reading a segment back before it gets its name: what was written must be there. */
#include "format/error.h"
#include "format/segment_scan.h"
#include "recover_state.h"

/* Decode every event of the current block; false: they are not what its header says. */
static bool events_are_whole(struct alog_event_decoder *decoder, const struct alog_block *block,
                             uint64_t expected) {
    struct alog_mp_cursor cursor = block->events;
    int64_t timestamp_ns = block->base_timestamp_ns;
    struct alog_event event;
    uint64_t events = 0;
    while (cursor.at < cursor.end &&
           alog_event_decode(decoder, &cursor, block->schema, &block->strings, &timestamp_ns,
                             &event) == ALOG_OK) {
        events++;
    }
    return cursor.at == cursor.end && events == expected;
}

struct check {
    struct alog_segment_scan *scan;
    uint64_t new_from;
    struct alog_block block;
    struct alog_event_decoder decoder;
    uint64_t blocks, new_events;
};

static enum alog_status check_block(struct check *check, const struct alog_block_header *header,
                                    struct alog_error *error) {
    const uint8_t *frame;
    check->blocks++;
    if (alog_segment_scan_offset(check->scan) < check->new_from) {
        return alog_segment_scan_frame(check->scan, &frame, error);
    }
    enum alog_status status = alog_segment_scan_open_block(check->scan, &check->block, error);
    if (status != ALOG_OK) {
        return status;
    }
    uint64_t events = header->facts.last_sequence - header->facts.first_sequence + 1;
    if (!events_are_whole(&check->decoder, &check->block, events)) {
        return alog_fail(error, ALOG_CORRUPT, 0, (int64_t)alog_segment_scan_offset(check->scan),
                         "events just written cannot be read");
    }
    check->new_events += events;
    return ALOG_OK;
}

enum alog_status alog_recover_check(const struct alog_io *io, const char *path, uint64_t new_from,
                                    uint64_t blocks, uint64_t new_events,
                                    struct alog_error *error) {
    struct check check = {.new_from = new_from};
    enum alog_status status = alog_segment_scan_open(io, path, NULL, NULL, &check.scan, error);
    if (status != ALOG_OK) {
        return status;
    }
    bool sealed = alog_segment_scan_sealed(check.scan);
    const struct alog_block_header *header = NULL;
    do {
        status = alog_segment_scan_next(check.scan, &header, error);
        if (status == ALOG_OK && header != NULL) {
            status = check_block(&check, header, error);
        }
    } while (status == ALOG_OK && header != NULL);
    alog_block_close(&check.block);
    alog_event_decoder_free(&check.decoder);
    alog_segment_scan_close(check.scan);
    if (status == ALOG_OK &&
        (!sealed || check.blocks != blocks || check.new_events != new_events)) {
        status =
            alog_fail(error, ALOG_CORRUPT, 0, -1, "%s does not read back as it was written", path);
    }
    return status;
}

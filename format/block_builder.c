/* Gathering a block: events are transcoded as they come, the preamble is put in front of them at
 * the end. */
#include <stdlib.h>

#include "block.h"
#include "block_strings.h"
#include "event_transcode.h"

#define MAX_BLOCK_BYTES                                                                            \
    (32u << 20) /* with the largest event and preamble, well below what readers take */
#define FIRST_HEADROOM (8u << 10)
#define PREAMBLE_BYTES 160u /* of a preamble, all but environment, schema and strings */

/* What the builder needs of an event type for each event, close together. */
struct type_plan {
    const struct alog_event_type *type;
    uint64_t count;        /* events in this block */
    uint32_t schema_bytes; /* its entry in the preamble, at most */
    uint8_t kinds[ALOG_MAX_FIELDS];
};

struct alog_block_builder {
    uint64_t writer_id;
    const struct alog_schema *schema;
    uint32_t block_bytes;
    char environment[ALOG_MAX_NAME_BYTES];
    uint32_t environment_len;

    /* The block: room for the preamble, then the events, so that both are one piece in the end. */
    uint8_t *room;
    size_t capacity, events_at, events_end;
    size_t headroom; /* in front of the next block's events: what the largest preamble needed */

    uint64_t event_count;
    int64_t base_timestamp_ns, last_timestamp_ns, min_timestamp_ns, max_timestamp_ns;
    size_t schema_bytes;

    uint32_t *seen; /* the type ids in this block */
    uint32_t seen_count;
    struct alog_type_tally *tallies;

    uint64_t *jobs; /* hashes of the job ids in this block */
    size_t job_count, job_capacity;
    uint8_t bloom[ALOG_BLOOM_MAX_BYTES];

    uint8_t *head; /* the preamble up to the strings */
    size_t head_capacity;

    struct type_plan *plans[ALOG_MAX_TYPES];
    struct alog_block_strings strings;
};

/* ---- Making and freeing -----------------------------------------------------------------------
 */

enum alog_status alog_block_builder_new(const struct alog_block_builder_options *options,
                                        struct alog_block_builder **ret_builder) {
    if (options->schema == NULL || options->environment.len > ALOG_MAX_NAME_BYTES ||
        options->block_bytes == 0 || options->block_bytes > MAX_BLOCK_BYTES) {
        return ALOG_INVALID;
    }
    struct alog_block_builder *builder = calloc(1, sizeof *builder);
    if (builder == NULL) {
        return ALOG_NO_MEMORY;
    }
    builder->seen = calloc(ALOG_MAX_TYPES, sizeof *builder->seen);
    builder->tallies = calloc(ALOG_MAX_TYPES, sizeof *builder->tallies);
    if (builder->seen == NULL || builder->tallies == NULL) {
        alog_block_builder_free(builder);
        return ALOG_NO_MEMORY;
    }
    builder->writer_id = options->writer_id;
    builder->schema = options->schema;
    builder->block_bytes = options->block_bytes;
    builder->environment_len = (uint32_t)options->environment.len;
    if (options->environment.len != 0) {
        memcpy(builder->environment, options->environment.data, options->environment.len);
    }
    builder->headroom = FIRST_HEADROOM;
    alog_block_builder_reset(builder);
    *ret_builder = builder;
    return ALOG_OK;
}

void alog_block_builder_free(struct alog_block_builder *builder) {
    if (builder == NULL) {
        return;
    }
    for (size_t i = 0; i < ALOG_MAX_TYPES; i++) {
        free(builder->plans[i]);
    }
    alog_block_strings_free(&builder->strings);
    free(builder->room);
    free(builder->seen);
    free(builder->tallies);
    free(builder->jobs);
    free(builder->head);
    free(builder);
}

void alog_block_builder_reset(struct alog_block_builder *builder) {
    for (uint32_t i = 0; i < builder->seen_count; i++) {
        builder->plans[builder->seen[i]]->count = 0;
    }
    builder->seen_count = 0;
    builder->schema_bytes = 0;
    builder->event_count = 0;
    builder->job_count = 0;
    builder->events_at = builder->headroom;
    builder->events_end = builder->headroom;
    alog_block_strings_reset(&builder->strings);
}

uint64_t alog_block_builder_events(const struct alog_block_builder *builder) {
    return builder->event_count;
}

uint64_t alog_block_builder_bytes(const struct alog_block_builder *builder) {
    if (builder->event_count == 0) {
        return 0;
    }
    return builder->events_end - builder->events_at + builder->strings.text_bytes +
           builder->schema_bytes + builder->environment_len + PREAMBLE_BYTES;
}

/* ---- Adding -----------------------------------------------------------------------------------
 */

static struct type_plan *make_plan(struct alog_block_builder *builder, uint32_t id) {
    const struct alog_event_type *type = alog_schema_type(builder->schema, id);
    struct type_plan *plan = type != NULL ? calloc(1, sizeof *plan) : NULL;
    if (plan == NULL) {
        return NULL;
    }
    size_t bytes = 3 * ALOG_MP_MAX_ARRAY_HEAD + ALOG_MP_MAX_STR_HEAD + type->name_len;
    for (uint32_t i = 0; i < type->field_count; i++) {
        plan->kinds[i] = (uint8_t)type->fields[i].kind;
        bytes += ALOG_MP_MAX_ARRAY_HEAD + 2 * ALOG_MP_MAX_STR_HEAD + strlen(type->fields[i].name);
    }
    plan->type = type;
    plan->schema_bytes = (uint32_t)bytes;
    builder->plans[id] = plan;
    return plan;
}

static bool reserve_room(struct alog_block_builder *builder, size_t more) {
    const size_t need = builder->events_end + more;
    if (need <= builder->capacity) {
        return true;
    }
    size_t capacity = builder->capacity + builder->capacity / 2;
    capacity = capacity < need ? need : capacity;
    uint8_t *grown = realloc(builder->room, capacity);
    if (grown == NULL) {
        return false;
    }
    builder->room = grown;
    builder->capacity = capacity;
    return true;
}

static bool reserve_job(struct alog_block_builder *builder) {
    if (builder->job_count < builder->job_capacity) {
        return true;
    }
    const size_t capacity = builder->job_capacity != 0 ? 2 * builder->job_capacity : 256;
    uint64_t *grown = realloc(builder->jobs, capacity * sizeof *grown);
    if (grown == NULL) {
        return false;
    }
    builder->jobs = grown;
    builder->job_capacity = capacity;
    return true;
}

/* Note the job for the Bloom filter, once for each that is in the table. Room for it is reserved.
 */
static void note_job(struct alog_block_builder *builder, struct alog_string job, uint32_t index) {
    if (job.data == NULL) {
        return;
    }
    if (index != UINT32_MAX) {
        if (builder->strings.entries[index].is_job) {
            return;
        }
        builder->strings.entries[index].is_job = true;
    }
    builder->jobs[builder->job_count++] = alog_bloom_hash(job);
}

static void note_event(struct alog_block_builder *builder, struct type_plan *plan,
                       int64_t timestamp_ns) {
    if (plan->count++ == 0) {
        builder->seen[builder->seen_count++] = plan->type->id;
        builder->schema_bytes += plan->schema_bytes;
    }
    if (builder->event_count++ == 0) {
        builder->base_timestamp_ns = timestamp_ns;
        builder->min_timestamp_ns = timestamp_ns;
        builder->max_timestamp_ns = timestamp_ns;
    }
    if (timestamp_ns < builder->min_timestamp_ns) {
        builder->min_timestamp_ns = timestamp_ns;
    }
    if (timestamp_ns > builder->max_timestamp_ns) {
        builder->max_timestamp_ns = timestamp_ns;
    }
    builder->last_timestamp_ns = timestamp_ns;
}

static inline enum alog_status add(struct alog_block_builder *builder, const uint8_t *plain,
                                   size_t len) {
    struct alog_plain_opening opening;
    if (len > ALOG_MAX_EVENT_BYTES || !alog_plain_open(plain, len, &opening)) {
        return ALOG_CORRUPT;
    }
    struct type_plan *plan = builder->plans[opening.type];
    if (plan == NULL) {
        plan = make_plan(builder, opening.type);
        if (plan == NULL) {
            return alog_schema_type(builder->schema, opening.type) == NULL ? ALOG_CORRUPT
                                                                           : ALOG_NO_MEMORY;
        }
    }
    if (builder->event_count != 0 &&
        alog_block_builder_bytes(builder) + len > builder->block_bytes) {
        return ALOG_LIMIT;
    }
    if (!reserve_room(builder, len + ALOG_TRANSCODE_GROWTH) || !reserve_job(builder)) {
        return ALOG_NO_MEMORY;
    }
    const uint32_t string_count = builder->strings.count;
    const size_t string_bytes = builder->strings.text_bytes;
    const int64_t delta_ns =
        builder->event_count != 0 ? opening.timestamp_ns - builder->last_timestamp_ns : 0;
    struct alog_string job;
    uint32_t job_index;
    const uint8_t *end = alog_plain_transcode(
        &opening, delta_ns, plan->kinds, plan->type->field_count, &builder->strings,
        builder->room + builder->events_end, &job, &job_index);
    if (end == NULL) {
        alog_block_strings_rollback(&builder->strings, string_count, string_bytes);
        return ALOG_CORRUPT;
    }
    builder->events_end = (size_t)(end - builder->room);
    note_job(builder, job, job_index);
    note_event(builder, plan, opening.timestamp_ns);
    return ALOG_OK;
}

enum alog_status alog_block_builder_add_all(struct alog_block_builder *builder,
                                            const struct alog_plain_event *events, uint32_t count,
                                            uint32_t *ret_taken) {
    enum alog_status status = ALOG_OK;
    uint32_t taken = 0;
    while (taken < count) {
        status = add(builder, events[taken].bytes, events[taken].len);
        if (status != ALOG_OK) {
            break;
        }
        taken++;
    }
    *ret_taken = taken;
    return status;
}

enum alog_status alog_block_builder_add(struct alog_block_builder *builder, const uint8_t *plain,
                                        size_t len) {
    const struct alog_plain_event event = {plain, (uint32_t)len};
    uint32_t taken;
    /* Longer ones are refused by their length, and must not become short ones here. */
    return len > ALOG_MAX_EVENT_BYTES ? ALOG_CORRUPT
                                      : alog_block_builder_add_all(builder, &event, 1, &taken);
}

/* ---- Finishing --------------------------------------------------------------------------------
 */

static uint8_t *put_text(uint8_t *at, const char *text) {
    return alog_mp_str(at, text, (uint32_t)strlen(text));
}

static const char *kind_name(enum alog_field_kind kind) {
    switch (kind) {
    case ALOG_FIELD_NAME:
        return "name";
    case ALOG_FIELD_TEXT:
        return "text";
    case ALOG_FIELD_JSON:
        return "json";
    case ALOG_FIELD_BOOL:
        return "bool";
    case ALOG_FIELD_I64:
        return "i64";
    case ALOG_FIELD_F64:
        return "f64";
    case ALOG_FIELD_ENUM:
        return "enum";
    }
    return "text";
}

static uint8_t *put_type(uint8_t *at, const struct alog_event_type *type) {
    at = alog_mp_array_head(at, 3);
    at = alog_mp_uint(at, type->id);
    at = alog_mp_str(at, type->name, (uint32_t)type->name_len);
    at = alog_mp_array_head(at, type->field_count);
    for (uint32_t i = 0; i < type->field_count; i++) {
        at = alog_mp_array_head(at, 2);
        at = put_text(at, type->fields[i].name);
        at = put_text(at, kind_name(type->fields[i].kind));
    }
    return at;
}

/* Everything but the strings themselves. Room for it is reserved. */
static uint8_t *put_head(const struct alog_block_builder *builder, uint64_t first_sequence,
                         uint8_t *at) {
    char writer[16];
    for (size_t i = 0; i < sizeof writer; i++) {
        writer[i] = "0123456789abcdef"[builder->writer_id >> (60 - 4 * i) & 15];
    }
    at = alog_mp_map_head(at, 7);
    at = alog_mp_uint(put_text(at, "agentlog"), ALOG_FORMAT_VERSION);
    at = alog_mp_str(put_text(at, "writer"), writer, sizeof writer);
    at = alog_mp_str(put_text(at, "environment"), builder->environment, builder->environment_len);
    at = alog_mp_uint(put_text(at, "first_sequence"), first_sequence);
    at = alog_mp_int(put_text(at, "timestamp"), builder->base_timestamp_ns);
    at = alog_mp_array_head(put_text(at, "schema"), builder->seen_count);
    for (uint32_t i = 0; i < builder->seen_count; i++) {
        at = put_type(at, builder->plans[builder->seen[i]]->type);
    }
    return alog_mp_array_head(put_text(at, "strings"), builder->strings.count);
}

/* Room in front of the events; they are moved only if this preamble is larger than those before. */
static bool reserve_headroom(struct alog_block_builder *builder, size_t bytes) {
    if (bytes <= builder->events_at) {
        return true;
    }
    const size_t headroom = bytes + bytes / 4;
    const size_t shift = headroom - builder->events_at;
    if (!reserve_room(builder, shift)) {
        return false;
    }
    memmove(builder->room + headroom, builder->room + builder->events_at,
            builder->events_end - builder->events_at);
    builder->events_at = headroom;
    builder->events_end += shift;
    builder->headroom = headroom;
    return true;
}

static bool reserve_head(struct alog_block_builder *builder, size_t bytes) {
    if (bytes <= builder->head_capacity) {
        return true;
    }
    uint8_t *grown = realloc(builder->head, bytes);
    if (grown == NULL) {
        return false;
    }
    builder->head = grown;
    builder->head_capacity = bytes;
    return true;
}

static int compare_types(const void *a, const void *b) {
    const uint32_t x = *(const uint32_t *)a;
    const uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

static void fill_facts(struct alog_block_builder *builder, uint64_t first_sequence,
                       size_t raw_bytes, struct alog_block_facts *ret_facts) {
    for (uint32_t i = 0; i < builder->seen_count; i++) {
        const struct type_plan *plan = builder->plans[builder->seen[i]];
        builder->tallies[i] = (struct alog_type_tally){plan->type->id, plan->count};
    }
    const uint32_t jobs =
        builder->job_count < UINT32_MAX ? (uint32_t)builder->job_count : UINT32_MAX;
    const uint32_t bloom_bytes = alog_bloom_bytes(jobs);
    memset(builder->bloom, 0, bloom_bytes);
    for (size_t i = 0; i < builder->job_count; i++) {
        alog_bloom_add(builder->bloom, bloom_bytes, builder->jobs[i]);
    }
    ret_facts->first_sequence = first_sequence;
    ret_facts->last_sequence = first_sequence + builder->event_count - 1;
    ret_facts->source = 0;
    ret_facts->min_timestamp_ns = builder->min_timestamp_ns;
    ret_facts->max_timestamp_ns = builder->max_timestamp_ns;
    ret_facts->raw_bytes = (uint32_t)raw_bytes;
    ret_facts->counts = builder->tallies;
    ret_facts->count_count = builder->seen_count;
    ret_facts->bloom = builder->bloom;
    ret_facts->bloom_bytes = bloom_bytes;
}

enum alog_status alog_block_builder_finish(struct alog_block_builder *builder,
                                           uint64_t first_sequence, const uint8_t **ret_raw,
                                           struct alog_block_facts *ret_facts) {
    if (builder->event_count == 0) {
        return ALOG_INVALID;
    }
    qsort(builder->seen, builder->seen_count, sizeof *builder->seen, compare_types);
    if (!reserve_head(builder, PREAMBLE_BYTES + builder->environment_len + builder->schema_bytes)) {
        return ALOG_NO_MEMORY;
    }
    const uint8_t *head_end = put_head(builder, first_sequence, builder->head);
    const size_t head_bytes = (size_t)(head_end - builder->head);
    const size_t preamble_bytes = head_bytes + builder->strings.text_bytes;
    if (!reserve_headroom(builder, preamble_bytes)) {
        return ALOG_NO_MEMORY;
    }
    uint8_t *raw = builder->room + builder->events_at - preamble_bytes;
    memcpy(raw, builder->head, head_bytes);
    if (builder->strings.text_bytes != 0) {
        memcpy(raw + head_bytes, builder->strings.text, builder->strings.text_bytes);
    }
    fill_facts(builder, first_sequence, builder->events_end - builder->events_at + preamble_bytes,
               ret_facts);
    *ret_raw = raw;
    return ALOG_OK;
}

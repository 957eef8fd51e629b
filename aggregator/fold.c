#include "fold.h"

#include <stdlib.h>

#include "calendar.h"
#include "catalogue_fields.h"
#include "fold_event.h"

/* ---- Life ---- */

struct alog_fold *alog_fold_new(const struct alog_fold_scope *scope) {
    struct alog_fold *fold = calloc(1, sizeof(*fold));
    if (fold) {
        fold->scope = scope;
    }
    return fold;
}

void alog_fold_free(struct alog_fold *fold) {
    if (fold) {
        alog_groups_free(&fold->groups);
        alog_names_free(&fold->seen_jobs);
        alog_block_close(&fold->block);
        alog_cells_free(&fold->cells);
        free(fold->strings.jobs);
        free(fold);
    }
}

struct alog_groups *alog_fold_groups(struct alog_fold *fold) {
    return &fold->groups;
}

struct alog_names *alog_fold_seen_jobs(struct alog_fold *fold) {
    return &fold->seen_jobs;
}

/* ---- Names ---- */

uint32_t alog_fold_intern(struct alog_fold *fold, struct alog_string text) {
    uint32_t name = alog_names_add(&fold->groups.names, text);
    if (name == ALOG_NAME_NONE) {
        fold->no_memory = true;
        return ALOG_NAME_EMPTY;
    }
    return name;
}

uint32_t alog_fold_name_of_string(struct alog_fold *fold, uint32_t index) {
    uint32_t name = alog_fold_intern(fold, fold->block.strings.strings[index]);
    fold->strings.names[index] = name;
    return name;
}

uint8_t alog_fold_word_of(struct alog_string text) {
    static const struct {
        struct alog_string text;
        enum alog_word word;
    } words[] = {{{"success", 7}, ALOG_WORD_SUCCESS},
                 {{"failed", 6}, ALOG_WORD_FAILED},
                 {{"cancelled", 9}, ALOG_WORD_CANCELLED},
                 {{"skipped", 7}, ALOG_WORD_SKIPPED},
                 {{"passed", 6}, ALOG_WORD_PASSED},
                 {{"error", 5}, ALOG_WORD_ERROR},
                 {{"availability", 12}, ALOG_WORD_AVAILABILITY},
                 {{"execution", 9}, ALOG_WORD_EXECUTION}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (alog_string_equal(words[i].text, text)) {
            return (uint8_t)words[i].word;
        }
    }
    return ALOG_WORD_OTHER;
}

uint8_t alog_fold_word_of_string(struct alog_fold *fold, uint32_t index) {
    uint8_t word = alog_fold_word_of(fold->block.strings.strings[index]);
    fold->strings.words[index] = word;
    return word;
}

/* ---- What an event belongs to ---- */

static void find_hour(struct alog_fold *fold, int64_t at_ns) {
    const struct alog_fold_scope *scope = fold->scope;
    int64_t start_s = alog_bucket_of_ns(at_ns, ALOG_HOUR_S, scope->time_zone_offset_s);
    fold->hour_epoch = start_s;
    fold->hour_from_ns = start_s * 1000000000;
    if (__builtin_add_overflow(fold->hour_from_ns, ALOG_HOUR_S * 1000000000,
                               &fold->hour_until_ns)) {
        fold->hour_until_ns = INT64_MAX; /* the last instant is looked up each time */
    }
    const bool wanted = start_s >= scope->from_epoch_s && start_s < scope->until_epoch_s;
    fold->hourly = scope->rollups && wanted;
    fold->noted = scope->note_jobs && wanted;
}

static struct alog_row_jobs *look_up_job(struct alog_fold *fold, struct alog_string job_id) {
    const struct alog_fold_scope *scope = fold->scope;
    if (!scope->jobs ||
        (scope->only_jobs && alog_names_find(scope->only_jobs, job_id) == ALOG_NAME_NONE)) {
        return NULL;
    }
    struct alog_group_key key = {.environment = fold->environment,
                                 .job = alog_names_add(&fold->groups.jobs, job_id)};
    if (key.job == ALOG_NAME_NONE) {
        fold->no_memory = true;
        return NULL;
    }
    return alog_fold_row(fold, ALOG_IN_jobs, &key);
}

void alog_fold_look_up_string(struct alog_fold *fold, uint32_t index) {
    struct alog_string text = fold->block.strings.strings[index];
    fold->strings.jobs[index] = (struct alog_fold_job){
        text.len != 0 ? look_up_job(fold, text) : NULL,
        text.len != 0 ? ALOG_JOB_KNOWN : ALOG_JOB_NONE,
    };
}

void alog_fold_note_job(struct alog_fold *fold, struct alog_string job_id) {
    fold->no_memory |= alog_names_add(&fold->seen_jobs, job_id) == ALOG_NAME_NONE;
}

/* The job id of the event in fold->cells; data NULL when it has none. */
static struct alog_string job_id_of(const struct alog_fold *fold) {
    return fold->cells.job_index != ALOG_NO_STRING
               ? fold->block.strings.strings[fold->cells.job_index]
           : fold->cells.has_own ? fold->cells.job_id
                                 : (struct alog_string){NULL, 0};
}

/* Of an event that has its job id in itself, or none, or an environment of its own. */
static void find_own_job(struct alog_fold *fold) {
    struct alog_string job_id = job_id_of(fold);
    fold->has_job = job_id.len != 0;
    fold->job = fold->has_job ? look_up_job(fold, job_id) : NULL;
}

/* ---- Rows of an hour ---- */

static void find_bucket(struct alog_fold *fold) {
    for (uint32_t i = 0; i < ALOG_FOLD_BUCKETS; i++) {
        const struct alog_fold_bucket *bucket = &fold->buckets[i];
        if (bucket->number != 0 && bucket->hour_epoch == fold->hour_epoch &&
            bucket->environment == fold->environment) {
            fold->bucket = bucket->number;
            return;
        }
    }
    fold->bucket = ++fold->last_bucket;
    fold->buckets[fold->bucket % ALOG_FOLD_BUCKETS] =
        (struct alog_fold_bucket){fold->hour_epoch, fold->environment, fold->bucket};
}

/* The rows and names have gone with the groups. */
static void forget_groups(struct alog_fold *fold) {
    memset(fold->buckets, 0, sizeof(fold->buckets));
    memset(&fold->patterns, 0, sizeof(fold->patterns));
    fold->bucket = 0;
}

void *alog_fold_find_row(struct alog_fold *fold, enum alog_rollup rollup,
                         const uint32_t *dimensions, unsigned count) {
    struct alog_group_key key = {.hour_epoch = fold->hour_epoch, .environment = fold->environment};
    for (unsigned i = 0; i < count; i++) {
        key.dimensions[i] = dimensions[i];
    }
    return alog_fold_row(fold, rollup, &key);
}

void alog_fold_count_slowly(struct alog_fold *fold, struct alog_sketch *sketch, uint32_t bucket,
                            uint32_t count) {
    fold->no_memory |= alog_groups_count_at(&fold->groups, sketch, bucket, count) != ALOG_OK;
}

/* ---- Events ---- */

/* Of the types that come most often. */
static const uint8_t *(*const takes[])(struct alog_fold *, const struct alog_event_head *,
                                       const uint8_t *) = {
    [ALOG_ID_agent_execution] = alog_fold_take_execution,
    [ALOG_ID_provider_performance] = alog_fold_take_call,
    [ALOG_ID_hook_execution] = alog_fold_take_hook,
    [ALOG_ID_individual_test_execution] = alog_fold_take_test,
};
#define FREQUENT_TYPES (sizeof(takes) / sizeof(takes[0]))

static void add_tally(struct alog_fold_tally *tally) {
    if (tally->row) {
        tally->row->events += tally->events;
        tally->row->without_job += tally->without_job;
    }
    if (tally->fields) {
        tally->fields->fields_seen |= (int64_t)tally->present;
    }
}

/* At the end of a block. */
static void add_tallies(struct alog_fold *fold) {
    for (uint32_t i = 0; i < fold->counted_type_count; i++) {
        struct alog_fold_tally *tally = &fold->tallies[fold->counted_types[i]];
        add_tally(tally);
        tally->bucket = 0;
    }
    fold->counted_type_count = 0;
}

void alog_fold_begin_tally(struct alog_fold *fold, struct alog_fold_tally *tally,
                           uint32_t type_id) {
    if (tally->bucket != 0) {
        add_tally(tally);
    } else {
        fold->counted_types[fold->counted_type_count++] = type_id;
    }
    const struct alog_event_type *type = alog_schema_type(fold->block.schema, type_id);
    uint32_t name = alog_fold_intern(fold, (struct alog_string){type->name, type->name_len});
    *tally = (struct alog_fold_tally){.bucket = fold->bucket};
    tally->row = alog_fold_name_row(fold, ALOG_IN_rollup_events, name);
    /* Fields of user-defined types have other places with other writers. */
    tally->fields = tally->row && type->id < ALOG_FIRST_USER_TYPE
                        ? alog_fold_name_row(fold, ALOG_IN_rollup_fields, name)
                        : NULL;
}

/* To an hour that may be another than that of the event before, or to an environment that may be;
 * `environment`: of its own, if data is not NULL. */
static void enter_bucket(struct alog_fold *fold, int64_t at_ns, struct alog_string environment) {
    alog_fold_settle(fold);
    int64_t hour_before = fold->hour_epoch;
    uint32_t environment_before = fold->environment;
    if (at_ns < fold->hour_from_ns || at_ns >= fold->hour_until_ns) {
        find_hour(fold, at_ns);
    }
    fold->environment =
        environment.data ? alog_fold_intern(fold, environment) : fold->block_environment;
    if (fold->bucket == 0 || fold->hour_epoch != hour_before ||
        fold->environment != environment_before) {
        find_bucket(fold);
    }
}

/* It may be in another than the event before. */
static inline bool is_elsewhere(const struct alog_fold *fold, int64_t at_ns) {
    return (at_ns < fold->hour_from_ns) | (at_ns >= fold->hour_until_ns) |
           (fold->environment != fold->block_environment);
}

/* The event in fold->cells. */
static void fold_event(struct alog_fold *fold) {
    const struct alog_cells *cells = &fold->cells;
    if (cells->has_own || is_elsewhere(fold, cells->timestamp_ns)) {
        enter_bucket(fold, cells->timestamp_ns,
                     cells->has_own ? cells->environment : (struct alog_string){NULL, 0});
    }
    if (cells->job_index == ALOG_NO_STRING || fold->environment != fold->block_environment) {
        find_own_job(fold);
    } else {
        alog_fold_find_job(fold, cells->job_index);
    }
    if (fold->noted && fold->has_job) {
        alog_fold_note_job(fold, job_id_of(fold));
    }
    if (fold->hourly) {
        alog_fold_count_event(fold, cells->type_id, cells->present);
    }
    if (fold->hourly || fold->job) {
        alog_fold_by_type(fold);
    }
}

/* An event of the usual form, of a type that comes often. Returns where it ends; NULL: it is
 * another, and nothing has been counted. */
static inline const uint8_t *fold_usual(struct alog_fold *fold, const struct alog_mp_cursor *cursor,
                                        int64_t *timestamp_ns) {
    struct alog_event_head head;
    const uint8_t *at = alog_take_head(cursor, &fold->block, *timestamp_ns, &head);
    if (!at || head.type_id >= FREQUENT_TYPES || !takes[head.type_id]) {
        return NULL;
    }
    if (is_elsewhere(fold, head.timestamp_ns)) {
        enter_bucket(fold, head.timestamp_ns, (struct alog_string){NULL, 0});
    }
    at = takes[head.type_id](fold, &head, at);
    if (at) {
        *timestamp_ns = head.timestamp_ns;
    }
    return at;
}

/* ---- Blocks ---- */

/* Most of a block's names were in blocks before it. The others are looked at when an event has
 * them: most are job ids, and are never a name. */
static void find_names(struct alog_fold *fold) {
    const uint32_t at_once = 256;
    for (uint32_t from = 0; from < fold->block.strings.count; from += at_once) {
        uint32_t rest = fold->block.strings.count - from;
        uint32_t count = rest < at_once ? rest : at_once;
        uint32_t *names = &fold->strings.names[from];
        alog_names_find_all(&fold->groups.names, &fold->block.strings.strings[from], count, names);
    }
}

static bool grow_strings(struct alog_fold_strings *strings, uint32_t count) {
    free(strings->jobs);
    *strings = (struct alog_fold_strings){0};
    void *room = malloc(
        count * (sizeof(*strings->jobs) + sizeof(*strings->names) + sizeof(*strings->words)));
    if (!room) {
        return false;
    }
    strings->jobs = room;
    strings->names = (uint32_t *)(strings->jobs + count);
    strings->words = (uint8_t *)(strings->names + count);
    strings->capacity = count;
    return true;
}

static enum alog_status reset_caches(struct alog_fold *fold) {
    const uint32_t count = fold->block.strings.count;
    if (count > fold->strings.capacity && !grow_strings(&fold->strings, count)) {
        return ALOG_NO_MEMORY;
    }
    if (count != 0) {
        memset(fold->strings.jobs, 0, count * sizeof(*fold->strings.jobs));
        memset(fold->strings.words, 0, count * sizeof(*fold->strings.words));
    }
    if (fold->groups.names.count == 0) {
        forget_groups(fold);
    }
    find_names(fold);
    fold->block_environment = alog_fold_intern(fold, fold->block.environment);
    fold->hour_until_ns = fold->hour_from_ns = 0;
    return fold->no_memory ? ALOG_NO_MEMORY : ALOG_OK;
}

static enum alog_status fold_events(struct alog_fold *fold, uint64_t declared,
                                    struct alog_fold_result *result) {
    uint64_t events = 0;
    struct alog_mp_cursor cursor = fold->block.events;
    int64_t timestamp_ns = fold->block.base_timestamp_ns;
    int64_t min_ns = INT64_MAX, max_ns = INT64_MIN;
    enum alog_status status = ALOG_OK;
    while (events < declared && cursor.at != cursor.end) {
        const uint8_t *behind = fold_usual(fold, &cursor, &timestamp_ns);
        if (behind) {
            cursor.at = behind;
        } else {
            status = alog_cells_take(&fold->cells, &cursor, &fold->block, &timestamp_ns);
            if (status != ALOG_OK) {
                break;
            }
            fold->sequence = fold->block.first_sequence + events;
            fold_event(fold);
        }
        min_ns = timestamp_ns < min_ns ? timestamp_ns : min_ns;
        max_ns = timestamp_ns > max_ns ? timestamp_ns : max_ns;
        events++;
    }
    result->events = events;
    result->undecoded = declared - result->events;
    if (result->events != 0) {
        result->min_timestamp_ns = min_ns;
        result->max_timestamp_ns = max_ns;
    }
    return status == ALOG_NO_MEMORY ? status : ALOG_OK;
}

enum alog_status alog_fold_block(struct alog_fold *fold, const uint8_t *frame,
                                 const struct alog_block_facts *facts,
                                 struct alog_string environment,
                                 struct alog_fold_result *ret_result) {
    uint64_t declared = facts->last_sequence - facts->first_sequence + 1;
    struct alog_fold_result result = {.undecoded = declared};
    enum alog_status status = alog_block_open_hashed(&fold->block, frame, facts, NULL);
    if (status == ALOG_OK) {
        status = reset_caches(fold);
        if (status == ALOG_OK) {
            status = fold_events(fold, declared, &result);
            alog_fold_settle(fold);
            add_tallies(fold);
            status = fold->no_memory ? ALOG_NO_MEMORY : status;
        }
    } else if (status != ALOG_NO_MEMORY) {
        status = ALOG_OK; /* its bytes are not what its header says: all of it is missing */
    }
    if (status == ALOG_OK && result.undecoded != 0) {
        status = alog_fold_gap(&fold->groups, fold->scope, environment, facts->min_timestamp_ns,
                               result.undecoded);
    }
    if (status == ALOG_OK) {
        *ret_result = result;
    }
    return status;
}

enum alog_status alog_fold_gap(struct alog_groups *groups, const struct alog_fold_scope *scope,
                               struct alog_string environment, int64_t timestamp_ns,
                               uint64_t events) {
    int64_t hour_epoch = alog_bucket_of_ns(timestamp_ns, ALOG_HOUR_S, scope->time_zone_offset_s);
    if (!scope->rollups || hour_epoch < scope->from_epoch_s || hour_epoch >= scope->until_epoch_s) {
        return ALOG_OK;
    }
    struct alog_group_key key = {
        .hour_epoch = hour_epoch,
        .environment = alog_names_add(&groups->names, environment),
        .dimensions = {ALOG_NAME_EMPTY, alog_names_add(&groups->names, ALOG_STR("gap"))}};
    if (key.environment == ALOG_NAME_NONE || key.dimensions[1] == ALOG_NAME_NONE) {
        return ALOG_NO_MEMORY;
    }
    struct alog_row_rollup_losses *row = alog_groups_row(groups, ALOG_IN_rollup_losses, &key);
    if (!row) {
        return ALOG_NO_MEMORY;
    }
    alog_groups_add(groups, &row->events_lost, events > INT64_MAX ? INT64_MAX : (int64_t)events);
    return ALOG_OK;
}

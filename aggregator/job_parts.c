#include "job_parts.h"

#include <stdlib.h>

/* Bytes that a value may take at most: a number with its comma (eight are written even where there
 * are fewer), and a string byte escaped. */
#define NUMBER_BYTES  21u
#define ESCAPED_BYTES 6u

static bool is_time(const struct alog_rollup_column *column) {
    return column->merge == ALOG_MERGE_LEAST || column->merge == ALOG_MERGE_MOST;
}

static int64_t *number_of(void *row, const struct alog_rollup_column *column) {
    return (void *)((char *)row + column->offset);
}

static uint32_t *sample_of(void *row, const struct alog_rollup_column *column) {
    return (void *)((char *)row + column->offset);
}

/* ---- Writing; the room is made for a whole row at once ---- */

static void put_pair(char *at, unsigned number) {
    static const char pairs[] = "00010203040506070809101112131415161718192021222324"
                                "25262728293031323334353637383940414243444546474849"
                                "50515253545556575859606162636465666768697071727374"
                                "75767778798081828384858687888990919293949596979899";
    memcpy(at, pairs + 2 * number, 2);
}

/* All eight digits of a number below 10^8. */
static void put_eight(char *at, uint32_t number) {
    uint32_t high = number / 10000, low = number % 10000;
    put_pair(at, high / 100);
    put_pair(at + 2, high % 100);
    put_pair(at + 4, low / 100);
    put_pair(at + 6, low % 100);
}

static char *put_below_1e8(char *at, uint32_t number) {
    if (number < 10) {
        *at = (char)('0' + number);
        return at + 1;
    }
    if (number < 100) {
        put_pair(at, number);
        return at + 2;
    }
    char eight[16] = {0};
    put_eight(eight, number);
    unsigned zeros = (unsigned)((number < 10000000) + (number < 1000000) + (number < 100000) +
                                (number < 10000) + (number < 1000));
    memcpy(at, eight + zeros, 8);
    return at + 8 - zeros;
}

static char *put_number(char *at, int64_t number) {
    uint64_t left = number < 0 ? 0 - (uint64_t)number : (uint64_t)number;
    if (number < 0) {
        *at++ = '-';
    }
    if (left < 100000000) {
        return put_below_1e8(at, (uint32_t)left);
    }
    uint64_t high = left / 100000000;
    if (high < 100000000) {
        at = put_below_1e8(at, (uint32_t)high);
    } else {
        at = put_below_1e8(at, (uint32_t)(high / 100000000));
        put_eight(at, (uint32_t)(high % 100000000));
        at += 8;
    }
    put_eight(at, (uint32_t)(left % 100000000));
    return at + 8;
}

/* Whether a byte of it has to be written as something else. */
static bool has_special(struct alog_string string) {
    unsigned special = 0;
    for (size_t i = 0; i < string.len; i++) {
        unsigned char c = (unsigned char)string.data[i];
        special |= (unsigned)(c < 0x20) | (unsigned)(c == '"') | (unsigned)(c == '\\');
    }
    return special != 0;
}

static char *put_string(char *at, struct alog_string string) {
    static const char hex[] = "0123456789abcdef";
    *at++ = '"';
    if (!has_special(string)) {
        memcpy(at, string.data, string.len);
        at += string.len;
        *at++ = '"';
        return at;
    }
    for (size_t i = 0; i < string.len; i++) {
        unsigned char c = (unsigned char)string.data[i];
        if (c < 0x20) {
            memcpy(at, "\\u00", 4);
            at[4] = hex[c >> 4];
            at[5] = hex[c & 15];
            at += 6;
            continue;
        }
        if (c == '"' || c == '\\') {
            *at++ = '\\';
        }
        *at++ = (char)c;
    }
    *at++ = '"';
    return at;
}

static size_t string_room(struct alog_string string) {
    return string.len * ESCAPED_BYTES + 3;
}

static enum alog_status write_row(const struct alog_groups *groups,
                                  const struct alog_rollup_kind *kind, const uint32_t *key,
                                  void *row, int64_t first_ns, struct alog_buffer *text) {
    const struct alog_string *names = groups->names.texts, *samples = groups->samples.texts;
    size_t room = kind->column_count * (size_t)NUMBER_BYTES + 4;
    for (unsigned i = 0; i < kind->dimension_count; i++) {
        room += string_room(names[key[i]]);
    }
    for (unsigned i = 0; i < kind->column_count; i++) {
        if (kind->columns[i].merge == ALOG_MERGE_SAMPLE) {
            room += string_room(samples[*sample_of(row, &kind->columns[i])]);
        }
    }
    if (alog_buffer_reserve(text, room) != ALOG_OK) {
        return ALOG_NO_MEMORY;
    }
    char *at = (char *)text->data + text->len;
    *at++ = '[';
    for (unsigned i = 0; i < kind->dimension_count; i++) {
        at = put_string(at, names[key[i]]);
        *at++ = ',';
    }
    for (unsigned i = 0; i < kind->column_count; i++) {
        const struct alog_rollup_column *column = &kind->columns[i];
        if (column->merge == ALOG_MERGE_SAMPLE) {
            at = put_string(at, samples[*sample_of(row, column)]);
        } else {
            at = put_number(at, *number_of(row, column) - (is_time(column) ? first_ns : 0));
        }
        *at++ = ',';
    }
    at[-1] = ']';
    text->len = (size_t)(at - (char *)text->data);
    return ALOG_OK;
}

/* By the texts: names that came from the database have no rank. */
static bool comes_before(const struct alog_string *names, const uint32_t *a, const uint32_t *b) {
    for (unsigned i = 0; i < ALOG_MAX_DIMENSIONS; i++) {
        if (a[i] != b[i]) {
            return alog_string_compare(names[a[i]], names[b[i]]) < 0;
        }
    }
    return false;
}

/* The rows' indexes by their keys. Few as they are, insertion is quick; should one job have
 * thousands, it is still only slow. */
static void sort(const struct alog_string *names, const struct alog_part_list *list,
                 uint32_t *order) {
    for (uint32_t i = 0; i < list->count; i++) {
        uint32_t place = i;
        for (; place > 0 && comes_before(names, list->keys[i], list->keys[order[place - 1]]);
             place--) {
            order[place] = order[place - 1];
        }
        order[place] = i;
    }
}

static enum alog_status put_byte(struct alog_buffer *text, char byte) {
    enum alog_status status = alog_buffer_reserve(text, 1);
    if (status == ALOG_OK) {
        text->data[text->len++] = (uint8_t)byte;
    }
    return status;
}

enum alog_status alog_job_parts_write(const struct alog_groups *groups, enum alog_rollup part,
                                      const struct alog_part_list *list, int64_t first_ns,
                                      struct alog_buffer *text) {
    const struct alog_rollup_kind *kind = alog_rollup_kind(part);
    uint32_t few[64];
    uint32_t *order = list->count <= 64 ? few : malloc(list->count * sizeof(*order));
    if (!order) {
        return ALOG_NO_MEMORY;
    }
    sort(groups->names.texts, list, order);
    enum alog_status status = put_byte(text, '[');
    for (uint32_t i = 0; status == ALOG_OK && i < list->count; i++) {
        status = i == 0 ? ALOG_OK : put_byte(text, ',');
        if (status == ALOG_OK) {
            status = write_row(groups, kind, list->keys[order[i]],
                               alog_groups_part_at(part, list, order[i]), first_ns, text);
        }
    }
    if (order != few) {
        free(order);
    }
    return status == ALOG_OK ? put_byte(text, ']') : status;
}

/* ---- Reading: what write_row wrote and nothing else ---- */

struct reader {
    const char *at, *end;
    struct alog_buffer string; /* unescaped */
};

static bool take(struct reader *in, char c) {
    bool there = in->at < in->end && *in->at == c;
    in->at += there;
    return there;
}

static bool take_number(struct reader *in, int64_t *ret_number) {
    bool negative = take(in, '-');
    const char *first = in->at;
    uint64_t number = 0;
    while (in->at < in->end && *in->at >= '0' && *in->at <= '9') {
        uint64_t digit = (uint64_t)(*in->at - '0');
        if (number > (INT64_MAX - digit) / 10) {
            return false;
        }
        number = number * 10 + digit;
        in->at++;
    }
    *ret_number = negative ? -(int64_t)number : (int64_t)number;
    return in->at != first;
}

static int digit_of(char c) {
    return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Behind a backslash. */
static bool take_escape(struct reader *in, char *ret_byte) {
    if (in->at == in->end) {
        return false;
    }
    char c = *in->at++;
    if (c == '"' || c == '\\') {
        *ret_byte = c;
        return true;
    }
    if (c != 'u' || in->end - in->at < 4 || in->at[0] != '0' || in->at[1] != '0') {
        return false;
    }
    int high = digit_of(in->at[2]), low = digit_of(in->at[3]);
    in->at += 4;
    *ret_byte = (char)(high * 16 + low);
    return high >= 0 && high < 2 && low >= 0;
}

static enum alog_status take_string(struct reader *in, struct alog_string *ret_string) {
    in->string.len = 0;
    if (!take(in, '"') || alog_buffer_reserve(&in->string, (size_t)(in->end - in->at)) != ALOG_OK) {
        return ALOG_CORRUPT;
    }
    char *out = (char *)in->string.data;
    while (in->at < in->end && *in->at != '"') {
        char byte = *in->at++;
        if (byte == '\\' && !take_escape(in, &byte)) {
            return ALOG_CORRUPT;
        }
        *out++ = byte;
    }
    const char *first = (const char *)in->string.data;
    *ret_string = (struct alog_string){first, (size_t)(out - first)};
    return take(in, '"') ? ALOG_OK : ALOG_CORRUPT;
}

static enum alog_status take_key(struct alog_groups *groups, const struct alog_rollup_kind *kind,
                                 struct reader *in, uint32_t key[ALOG_MAX_DIMENSIONS]) {
    for (unsigned i = 0; i < kind->dimension_count; i++) {
        struct alog_string string;
        enum alog_status status = take_string(in, &string);
        if (status != ALOG_OK || !take(in, ',')) {
            return ALOG_CORRUPT;
        }
        key[i] = alog_names_add(&groups->names, string);
        if (key[i] == ALOG_NAME_NONE) {
            return ALOG_NO_MEMORY;
        }
    }
    return ALOG_OK;
}

/* The values of a row, merged with the row in memory. A sample is offered last, when its time is
 * known too. */
static enum alog_status add_row(struct alog_groups *groups, const struct alog_rollup_kind *kind,
                                struct reader *in, int64_t first_ns, void *row) {
    struct alog_string sample = {NULL, 0};
    const struct alog_rollup_column *sampled = NULL;
    int64_t sample_ns = 0, before_ns = 0;
    for (unsigned i = 0; i < kind->column_count; i++) {
        const struct alog_rollup_column *column = &kind->columns[i];
        int64_t *number = number_of(row, column), value;
        if (i != 0 && !take(in, ',')) {
            return ALOG_CORRUPT;
        }
        if (column->merge == ALOG_MERGE_SAMPLE) {
            /* The only one in a row, so that the room of take_string stays as it is. */
            if (take_string(in, &sample) != ALOG_OK) {
                return ALOG_CORRUPT;
            }
            sampled = column;
            continue;
        }
        if (!take_number(in, &value)) {
            return ALOG_CORRUPT;
        }
        if (is_time(column)) {
            value = (int64_t)((uint64_t)value + (uint64_t)first_ns);
        }
        if (sampled && column->offset == sampled->first_ns_offset) {
            sample_ns = value;
            before_ns = *number;
        }
        if (column->merge == ALOG_MERGE_SUM) {
            alog_groups_add(groups, number, value);
        } else if (column->merge == ALOG_MERGE_LEAST ? value < *number : value > *number) {
            *number = value;
        }
    }
    return sampled ? alog_groups_offer_sample(groups, sample_of(row, sampled), before_ns, sample_ns,
                                              sample)
                   : ALOG_OK;
}

static enum alog_status read_rows(struct alog_groups *groups, enum alog_rollup part,
                                  struct reader *in, int64_t first_ns,
                                  struct alog_part_list *list) {
    const struct alog_rollup_kind *kind = alog_rollup_kind(part);
    if (!take(in, '[')) {
        return ALOG_CORRUPT;
    }
    for (bool first = true; !take(in, ']'); first = false) {
        uint32_t key[ALOG_MAX_DIMENSIONS] = {0};
        if ((!first && !take(in, ',')) || !take(in, '[')) {
            return ALOG_CORRUPT;
        }
        enum alog_status status = take_key(groups, kind, in, key);
        void *row = status == ALOG_OK ? alog_groups_part(groups, part, list, key) : NULL;
        if (!row) {
            return status == ALOG_OK ? ALOG_NO_MEMORY : status;
        }
        status = add_row(groups, kind, in, first_ns, row);
        if (status != ALOG_OK || !take(in, ']')) {
            return status == ALOG_OK ? ALOG_CORRUPT : status;
        }
    }
    return in->at == in->end ? ALOG_OK : ALOG_CORRUPT;
}

enum alog_status alog_job_parts_read(struct alog_groups *groups, enum alog_rollup part,
                                     struct alog_string json, int64_t first_ns,
                                     struct alog_part_list *list) {
    struct reader in = {json.data, json.data + json.len, {NULL, 0, 0}};
    enum alog_status status = read_rows(groups, part, &in, first_ns, list);
    alog_buffer_free(&in.string);
    return status;
}

#include "part_names.h"

#include <stdlib.h>

#include "job_json.h"

void alog_part_names_free(struct alog_part_names *part_names) {
    free(part_names->names);
    alog_buffer_free(&part_names->json);
    *part_names = (struct alog_part_names){0};
}

enum alog_status alog_part_names_add(struct alog_part_names *part_names,
                                     const struct alog_names *names) {
    if (part_names->count == names->count) {
        return ALOG_OK;
    }
    struct alog_part_name *all = realloc(part_names->names, names->capacity * sizeof(*all));
    if (!all) {
        return ALOG_NO_MEMORY;
    }
    part_names->names = all;
    struct alog_buffer *json = &part_names->json;
    for (uint32_t i = part_names->count; i < names->count; i++) {
        size_t room = alog_json_string_room(names->texts[i]) + ALOG_PART_NAME_LEAST_BYTES;
        if (alog_buffer_reserve(json, room) != ALOG_OK) {
            return ALOG_NO_MEMORY;
        }
        char *at = alog_json_put_string((char *)json->data + json->len, names->texts[i]);
        *at++ = ',';
        const size_t end = (size_t)(at - (char *)json->data);
        all[i] = (struct alog_part_name){.start = json->len,
                                         .len = (uint32_t)(end - json->len),
                                         .rank = i < part_names->ranked ? part_names->ranks[i]
                                                                        : ALOG_NAME_NONE};
        json->len = end;
        part_names->count = i + 1;
    }
    return ALOG_OK;
}

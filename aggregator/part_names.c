#include "part_names.h"

#include <stdlib.h>

#include "job_json.h"

void alog_part_names_free(struct alog_part_names *part_names) {
    free(part_names->starts);
    alog_buffer_free(&part_names->json);
    *part_names = (struct alog_part_names){0};
}

enum alog_status alog_part_names_add(struct alog_part_names *part_names,
                                     const struct alog_names *names) {
    if (part_names->count == names->count) {
        return ALOG_OK;
    }
    size_t *starts = realloc(part_names->starts, (names->capacity + 1) * sizeof(*starts));
    if (!starts) {
        return ALOG_NO_MEMORY;
    }
    part_names->starts = starts;
    struct alog_buffer *json = &part_names->json;
    for (uint32_t i = part_names->count; i < names->count; i++) {
        size_t room = alog_json_string_room(names->texts[i]) + ALOG_PART_NAME_LEAST_BYTES;
        if (alog_buffer_reserve(json, room) != ALOG_OK) {
            return ALOG_NO_MEMORY;
        }
        char *at = alog_json_put_string((char *)json->data + json->len, names->texts[i]);
        *at++ = ',';
        starts[i] = json->len;
        json->len = (size_t)(at - (char *)json->data);
        starts[i + 1] = json->len;
        part_names->count = i + 1;
    }
    return ALOG_OK;
}

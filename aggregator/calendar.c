#include "calendar.h"

#include <agentlog/ndjson.h>
#include <stdio.h>

#include "format/error.h"

static bool is_digit(char c) {
    return c >= '0' && c <= '9';
}

static int two_digits(const char *at) {
    return (at[0] - '0') * 10 + (at[1] - '0');
}

enum alog_status alog_time_zone_parse(const char *text, int32_t *ret_offset_s,
                                      struct alog_error *error) {
    if (strcmp(text, "UTC") == 0 || strcmp(text, "Z") == 0) {
        *ret_offset_s = 0;
        return ALOG_OK;
    }
    const char *at = text + 1;
    if ((text[0] == '+' || text[0] == '-') && is_digit(at[0]) && is_digit(at[1])) {
        int hours = two_digits(at);
        at += at[2] == ':' ? 3 : 2;
        if (is_digit(at[0]) && is_digit(at[1]) && at[2] == '\0') {
            int seconds = hours * 3600 + two_digits(at) * 60;
            if (two_digits(at) < 60 && seconds <= 18 * 3600) {
                *ret_offset_s = text[0] == '-' ? -seconds : seconds;
                return ALOG_OK;
            }
        }
    }
    return alog_fail(error, ALOG_INVALID, 0, -1,
                     "\"%.32s\" is no time zone: UTC, or an offset such as +08:00", text);
}

enum alog_status alog_day_parse(const char *text, int32_t offset_s, int64_t *ret_day_epoch,
                                struct alog_error *error) {
    char midnight[32];
    int64_t at_ns;
    bool shaped = strlen(text) == 10;
    for (int i = 0; shaped && i < 10; i++) {
        shaped = i == 4 || i == 7 ? text[i] == '-' : is_digit(text[i]);
    }
    /* Noon, so that no zone moves it out of the range of times. */
    if (shaped) {
        snprintf(midnight, sizeof(midnight), "%.10sT12:00:00Z", text);
    }
    if (!shaped || alog_time_parse((struct alog_string){midnight, strlen(midnight)}, &at_ns,
                                   NULL) != ALOG_OK) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "\"%.32s\" is no day: write YYYY-MM-DD", text);
    }
    *ret_day_epoch = at_ns / 1000000000 - ALOG_DAY_S / 2 - offset_s;
    return ALOG_OK;
}

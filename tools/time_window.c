/* Times as people write them on a command line. */
#include "time_window.h"

#include <agentlog/ndjson.h>

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define NS_PER_S INT64_C(1000000000)

static enum alog_status refuse(struct alog_error *error, const char *text) {
    if (error != NULL) {
        *error = (struct alog_error){.status = ALOG_INVALID, .offset = -1};
        snprintf(error->message, sizeof error->message,
                 "'%.100s' is not a time: give %s such as 2026-02-04T12:00:00Z", text,
                 TIME_WINDOW_FORMS);
    }
    return ALOG_INVALID;
}

static int64_t unit_seconds(char unit) {
    switch (unit) {
    case 's':
        return 1;
    case 'm':
        return 60;
    case 'h':
        return 3600;
    case 'd':
        return 86400;
    case 'w':
        return 7 * 86400;
    default:
        return 0;
    }
}

/* A count and a unit, nothing else. Longer than since 1970 is since 1970. */
static bool parse_duration(const char *text, int64_t now_ns, int64_t *ret_ns) {
    char *end = NULL;
    if (!isdigit((unsigned char)text[0])) {
        return false;
    }
    errno = 0;
    const long long count = strtoll(text, &end, 10);
    const int64_t seconds = unit_seconds(*end);
    if (seconds == 0 || end[1] != '\0') {
        return false;
    }
    const bool beyond = errno != 0 || count > now_ns / NS_PER_S / seconds;
    *ret_ns = beyond ? 0 : now_ns - count * seconds * NS_PER_S;
    return true;
}

/* The text has the digits and signs of `shape`, where 0 stands for any digit. */
static bool has_shape(const char *text, const char *shape) {
    for (; *shape != '\0'; text++, shape++) {
        if (*shape == '0' ? !isdigit((unsigned char)*text) : *text != *shape) {
            return false;
        }
    }
    return true;
}

/* Complete a date or a time without seconds or zone to RFC 3339. False when it is neither. */
static bool complete(const char *text, char *out, size_t room) {
    static const size_t date_len = sizeof "0000-00-00" - 1;
    static const size_t minute_len = sizeof "0000-00-00T00:00" - 1;
    const size_t len = strlen(text);
    if (len + sizeof ":00Z" > room || !has_shape(text, "0000-00-00")) {
        return false;
    }
    if (len == date_len) {
        snprintf(out, room, "%sT00:00:00Z", text);
        return true;
    }
    if (len < minute_len || strchr("Tt ", text[date_len]) == NULL ||
        !has_shape(text + date_len + 1, "00:00")) {
        return false;
    }
    const bool has_seconds = text[minute_len] == ':';
    const char *zone = text + minute_len;
    zone += strspn(zone, ":0123456789.,");
    if (!has_seconds && zone != text + minute_len) {
        return false;
    }
    snprintf(out, room, "%.*sT%.*s%.*s%s%s", (int)date_len, text, 5, text + date_len + 1,
             (int)(zone - text - (ptrdiff_t)minute_len), text + minute_len,
             has_seconds ? "" : ":00", *zone == '\0' ? "Z" : zone);
    return true;
}

bool time_window_is_local(const char *text) {
    static const size_t date_len = sizeof "0000-00-00" - 1;
    return has_shape(text, "0000-00-00") && strpbrk(text + date_len, "Zz+-") == NULL;
}

enum alog_status time_window_parse(const char *text, int64_t now_ns, int64_t *ret_ns,
                                   struct alog_error *error) {
    char full[64];
    if (strcmp(text, "now") == 0) {
        *ret_ns = now_ns;
        return ALOG_OK;
    }
    if (parse_duration(text, now_ns, ret_ns)) {
        return ALOG_OK;
    }
    if (!complete(text, full, sizeof full)) {
        return refuse(error, text);
    }
    int64_t time_ns = 0;
    if (alog_time_parse(alog_str(full), &time_ns, NULL) != ALOG_OK || time_ns < 0) {
        return refuse(error, text);
    }
    *ret_ns = time_ns;
    return ALOG_OK;
}

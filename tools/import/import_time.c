/* Times as other programs write them. */
#include "import/import_time.h"

#include <agentlog/ndjson.h>

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define NS_PER_S   INT64_C(1000000000)
#define TEXT_BYTES 64

ALOG_PRINTF(2, 3)
static enum alog_status refuse(struct alog_error *error, const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    *error = (struct alog_error){.status = ALOG_INVALID, .offset = -1};
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    return ALOG_INVALID;
}

/* ---- Zones ----------------------------------------------------------------------------------- */

static int two_digits(const char *at) {
    return isdigit((unsigned char)at[0]) && isdigit((unsigned char)at[1])
               ? (at[0] - '0') * 10 + (at[1] - '0')
               : -1;
}

/* "+02:00", "+0200", "+02", "Z", "UTC": the whole text. */
static bool parse_offset(const char *text, int32_t *ret_s) {
    if (strcmp(text, "Z") == 0 || strcmp(text, "z") == 0 || strcmp(text, "UTC") == 0) {
        *ret_s = 0;
        return true;
    }
    const size_t len = strlen(text);
    if ((text[0] != '+' && text[0] != '-') || len < 3) {
        return false;
    }
    const char *minutes_at = len > 3 && text[3] == ':' ? text + 4 : text + 3;
    const int hours = two_digits(text + 1);
    const int minutes = *minutes_at == '\0' ? 0 : two_digits(minutes_at);
    if (hours < 0 || hours > 23 || minutes < 0 || minutes > 59 ||
        (*minutes_at != '\0' && minutes_at[2] != '\0') || text[len - 1] == ':') {
        return false;
    }
    *ret_s = (hours * 3600 + minutes * 60) * (text[0] == '-' ? -1 : 1);
    return true;
}

bool import_zone_parse(const char *text, struct import_zone *ret_zone) {
    struct import_zone zone = {.local = strcmp(text, "local") == 0};
    if (!zone.local && strcmp(text, "utc") != 0 && !parse_offset(text, &zone.offset_s)) {
        return false;
    }
    *ret_zone = zone;
    return true;
}

/* `ns` is what the clock showed, as if in UTC. */
static int64_t from_local(int64_t ns) {
    const time_t shown = (time_t)(ns / NS_PER_S);
    struct tm parts;
    gmtime_r(&shown, &parts);
    time_t earliest = 0;
    for (int saving = 1; saving >= -1; saving--) { /* shown twice: the first is with saving time */
        struct tm attempt = parts;
        attempt.tm_isdst = saving;
        const time_t found = mktime(&attempt);
        if (saving == -1 || (attempt.tm_isdst == saving && attempt.tm_hour == parts.tm_hour &&
                             attempt.tm_min == parts.tm_min)) {
            earliest = found;
            break;
        }
    }
    return (int64_t)earliest * NS_PER_S + ns % NS_PER_S;
}

/* ---- Numbers --------------------------------------------------------------------------------- */

static enum alog_status out_of_range(struct alog_error *error) {
    return refuse(error, "the time is not between 1970 and 2262");
}

enum alog_status import_time_of_integer(int64_t number, int64_t *ret_ns, struct alog_error *error) {
    static const struct {
        int64_t below, factor;
    } units[] = {{INT64_C(100000000000), NS_PER_S},
                 {INT64_C(100000000000000), 1000000},
                 {INT64_C(100000000000000000), 1000},
                 {INT64_MAX, 1}};
    if (number < 0) {
        return out_of_range(error);
    }
    size_t unit = 0;
    while (number >= units[unit].below && units[unit].factor > 1) {
        unit++;
    }
    if (number > INT64_MAX / units[unit].factor) {
        return out_of_range(error);
    }
    *ret_ns = number * units[unit].factor;
    return ALOG_OK;
}

enum alog_status import_time_of_real(double number, int64_t *ret_ns, struct alog_error *error) {
    if (!(number >= 0 && number < 9.2e18)) {
        return out_of_range(error);
    }
    const double us = number < 1e11   ? number * 1e6
                      : number < 1e14 ? number * 1e3
                      : number < 1e17 ? number
                                      : number / 1e3;
    if (us >= (double)(INT64_MAX / 1000)) {
        return out_of_range(error);
    }
    *ret_ns = (int64_t)llround(us) * 1000;
    return ALOG_OK;
}

static bool parse_number(const char *text, int64_t *ret_ns, enum alog_status *ret_status,
                         struct alog_error *error) {
    char *end = NULL;
    const size_t digits = strspn(text, "0123456789");
    if (text[digits] == '\0' && digits > 0) {
        errno = 0;
        const long long whole = strtoll(text, NULL, 10);
        *ret_status =
            errno != 0 ? out_of_range(error) : import_time_of_integer(whole, ret_ns, error);
        return true;
    }
    const double number = strtod(text, &end); /* which takes hex, "nan" and "inf" as well */
    if (end == text || *end != '\0' || text[strspn(text, "0123456789.eE+-")] != '\0') {
        return false;
    }
    *ret_status = import_time_of_real(number, ret_ns, error);
    return true;
}

/* ---- Dates ----------------------------------------------------------------------------------- */

/*
 * Rewrite to RFC 3339 without an offset: 'T', seconds, '.'. *ret_offset is what followed, "" if
 * nothing did.
 */
static bool normalize(const char *text, char out[TEXT_BYTES], const char **ret_offset) {
    static const char date_shape[] = "0000-00-00";
    const size_t date_len = sizeof date_shape - 1;
    size_t len = 0;
    for (; date_shape[len] != '\0'; len++) {
        if (date_shape[len] == '0' ? !isdigit((unsigned char)text[len])
                                   : text[len] != date_shape[len]) {
            return false;
        }
    }
    memcpy(out, text, date_len);
    const char *at = text + date_len;
    if (*at == '\0') {
        memcpy(out + len, "T00:00:00", sizeof "T00:00:00");
        *ret_offset = at;
        return true;
    }
    if (*at != 'T' && *at != 't' && *at != ' ') {
        return false;
    }
    out[len++] = 'T';
    at++;
    unsigned colons = 0;
    for (; isdigit((unsigned char)*at) || *at == ':'; at++) {
        colons += *at == ':';
        out[len++] = *at;
    }
    if (colons == 1) {
        memcpy(out + len, ":00", 3);
        len += 3;
    }
    if (*at == '.' || *at == ',') {
        out[len++] = '.';
        for (at++; isdigit((unsigned char)*at); at++) {
            out[len++] = *at;
        }
    }
    out[len] = '\0';
    *ret_offset = *at == ' ' ? at + 1 : at; /* "12:00:00 +0200" */
    return true;
}

enum alog_status import_time_parse(struct alog_string text, const struct import_zone *zone,
                                   int64_t *ret_ns, bool *ret_zone_used, struct alog_error *error) {
    char copy[TEXT_BYTES - 8];
    char normal[TEXT_BYTES];
    const char *offset = NULL;
    enum alog_status status = ALOG_OK;
    if (text.len == 0 || text.len >= sizeof copy || memchr(text.data, '\0', text.len) != NULL) {
        return refuse(error, "%s", text.len == 0 ? "the time is empty" : "this is not a time");
    }
    memcpy(copy, text.data, text.len);
    copy[text.len] = '\0';
    if (parse_number(copy, ret_ns, &status, error)) {
        return status;
    }
    if (!normalize(copy, normal, &offset)) {
        return refuse(error, "\"%s\" is not a time like 2026-02-04 12:00:00", copy);
    }
    int32_t offset_s = zone->offset_s;
    const bool naive = *offset == '\0';
    if (!naive && !parse_offset(offset, &offset_s)) {
        return refuse(error, "\"%s\" has no offset like +02:00 behind the time", copy);
    }
    /* As if in UTC; an offset may take it before 1970, which is out of range in any case. */
    int64_t shown_ns = 0;
    const size_t len = strlen(normal);
    memcpy(normal + len, "Z", 2);
    struct alog_error reason = {.message = ""};
    if (alog_time_parse((struct alog_string){normal, len + 1}, &shown_ns, &reason) != ALOG_OK) {
        return refuse(error, "%s", reason.message);
    }
    const int64_t ns =
        naive && zone->local ? from_local(shown_ns) : shown_ns - (int64_t)offset_s * NS_PER_S;
    if (ns < 0) {
        return out_of_range(error);
    }
    *ret_ns = ns;
    *ret_zone_used = *ret_zone_used || naive;
    return ALOG_OK;
}

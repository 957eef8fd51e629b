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

/* Days since 1970-01-01 of a day in the Gregorian calendar, and back to year and month. Source:
 * Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms". */
static int64_t days_from_civil(int64_t year, int64_t month, int64_t day) {
    year -= month <= 2;
    int64_t era = (year >= 0 ? year : year - 399) / 400;
    int64_t of_era = year - era * 400;
    int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static void civil_from_days(int64_t days, int64_t *ret_year, int64_t *ret_month) {
    days += 719468;
    int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    int64_t of_era = days - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t from_march = (5 * of_year + 2) / 153;
    *ret_month = from_march < 10 ? from_march + 3 : from_march - 9;
    *ret_year = year + era * 400 + (*ret_month <= 2);
}

int64_t alog_month_start(int64_t epoch_s, int months, int32_t offset_s) {
    int64_t day_s = alog_bucket_start(epoch_s, ALOG_DAY_S, offset_s) + offset_s;
    int64_t year, month;
    civil_from_days(day_s / ALOG_DAY_S, &year, &month);
    int64_t count = year * 12 + month - 1 + months;
    return days_from_civil(count / 12, count % 12 + 1, 1) * ALOG_DAY_S - offset_s;
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

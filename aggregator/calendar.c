#include "calendar.h"

#include "format/error.h"

/* Days since 1970-01-01 in which an event can lie: nanoseconds from 0 to INT64_MAX, in a zone that
 * may be a day ahead or behind. */
#define FIRST_DAY (-1)
#define LAST_DAY  106752

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
    bool shaped = strlen(text) == 10;
    for (int i = 0; shaped && i < 10; i++) {
        shaped = i == 4 || i == 7 ? text[i] == '-' : is_digit(text[i]);
    }
    int64_t days = 0;
    if (shaped) {
        const int64_t year = two_digits(text) * 100 + two_digits(text + 2);
        const int month = two_digits(text + 5);
        const int day = two_digits(text + 8);
        days = days_from_civil(year, month, day);
        int64_t year_of, month_of;
        civil_from_days(days, &year_of, &month_of);
        /* A day that its month has not is one of the next month. */
        shaped = month >= 1 && month <= 12 && day >= 1 && month_of == month;
    }
    if (!shaped || days < FIRST_DAY || days > LAST_DAY) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "\"%.32s\" is no day: write YYYY-MM-DD", text);
    }
    *ret_day_epoch = days * ALOG_DAY_S - offset_s;
    return ALOG_OK;
}

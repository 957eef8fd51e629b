/* Times as RFC 3339 text. No libc calendar: it depends on TZ and the locale, and stops at years
 * that we need not. */
#include <agentlog/ndjson.h>
#include <stdio.h>

#include "error.h"

#define NS_PER_SECOND   INT64_C(1000000000)
#define SECONDS_PER_DAY INT64_C(86400)

struct civil_date {
    int64_t year;
    int month, day;
};

/*
 * Days since 1970-01-01 of a date of the proleptic Gregorian calendar, and back. Years begin in
 * March, so that the leap day is the last: "chrono-Compatible Low-Level Date Algorithms", Howard
 * Hinnant, days_from_civil and civil_from_days.
 */
static int64_t days_from_date(struct civil_date date) {
    const int64_t year = date.month <= 2 ? date.year - 1 : date.year;
    const int64_t era = (year >= 0 ? year : year - 399) / 400;
    const int64_t year_of_era = year - era * 400;
    const int64_t day_of_year =
        (153 * (date.month > 2 ? date.month - 3 : date.month + 9) + 2) / 5 + date.day - 1;
    const int64_t day_of_era =
        year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    return era * 146097 + day_of_era - 719468;
}

static struct civil_date date_from_days(int64_t days) {
    days += 719468;
    const int64_t era = (days >= 0 ? days : days - 146096) / 146097;
    const int64_t day_of_era = days - era * 146097;
    const int64_t year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36524 - day_of_era / 146096) / 365;
    const int64_t day_of_year =
        day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    const int64_t shifted_month = (5 * day_of_year + 2) / 153;
    const int month = (int)(shifted_month < 10 ? shifted_month + 3 : shifted_month - 9);
    return (struct civil_date){.year = year_of_era + era * 400 + (month <= 2),
                               .month = month,
                               .day = (int)(day_of_year - (153 * shifted_month + 2) / 5 + 1)};
}

static int days_in_month(int64_t year, int month) {
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return month == 2 && leap ? 29 : days[month - 1];
}

void alog_time_format(int64_t timestamp_ns, char text[ALOG_TIME_BYTES]) {
    /* Rounded down, also before 1970. */
    int64_t seconds = timestamp_ns / NS_PER_SECOND;
    int64_t fraction = timestamp_ns % NS_PER_SECOND;
    if (fraction < 0) {
        fraction += NS_PER_SECOND;
        seconds--;
    }
    int64_t days = seconds / SECONDS_PER_DAY;
    int64_t second_of_day = seconds % SECONDS_PER_DAY;
    if (second_of_day < 0) {
        second_of_day += SECONDS_PER_DAY;
        days--;
    }
    const struct civil_date date = date_from_days(days);
    int len = snprintf(text, ALOG_TIME_BYTES, "%04d-%02d-%02dT%02d:%02d:%02d", (int)date.year,
                       date.month, date.day, (int)(second_of_day / 3600),
                       (int)(second_of_day / 60 % 60), (int)(second_of_day % 60));
    int digits = 9;
    for (; digits > 0 && fraction % 1000 == 0; digits -= 3) {
        fraction /= 1000;
    }
    if (digits != 0) {
        len += snprintf(text + len, ALOG_TIME_BYTES - (size_t)len, ".%0*d", digits, (int)fraction);
    }
    snprintf(text + len, ALOG_TIME_BYTES - (size_t)len, "Z");
}

/* ---- Parsing ----------------------------------------------------------------------------------
 */

/* The text that is left; the first fault is kept. */
struct time_parser {
    const char *start, *at, *end;
    const char *reason; /* NULL = no fault so far */
};

static void fault(struct time_parser *parser, const char *reason) {
    if (parser->reason == NULL) {
        parser->reason = reason;
    }
}

static bool is_digit(const struct time_parser *parser) {
    return parser->at < parser->end && *parser->at >= '0' && *parser->at <= '9';
}

static int take_number(struct time_parser *parser, int digits, int minimum, int maximum,
                       const char *reason) {
    int number = 0;
    for (int i = 0; i < digits && parser->reason == NULL; i++) {
        if (!is_digit(parser)) {
            fault(parser, reason);
            return minimum;
        }
        number = number * 10 + (*parser->at++ - '0');
    }
    if (number < minimum || number > maximum) {
        fault(parser, reason);
        return minimum;
    }
    return number;
}

static bool take_one_of(struct time_parser *parser, const char *characters) {
    if (parser->reason != NULL || parser->at == parser->end || *parser->at == '\0' ||
        strchr(characters, *parser->at) == NULL) {
        return false;
    }
    parser->at++;
    return true;
}

static void expect_one_of(struct time_parser *parser, const char *characters, const char *reason) {
    if (!take_one_of(parser, characters)) {
        fault(parser, reason);
    }
}

static int64_t take_days(struct time_parser *parser) {
    struct civil_date date = {.year = take_number(parser, 4, 0, 9999, "no year of 4 digits")};
    expect_one_of(parser, "-", "no '-' after the year");
    date.month = take_number(parser, 2, 1, 12, "no month from 01 to 12");
    expect_one_of(parser, "-", "no '-' after the month");
    date.day = take_number(parser, 2, 1, days_in_month(date.year, date.month),
                           "no such day in that month");
    return days_from_date(date);
}

static int take_second_of_day(struct time_parser *parser, bool *ret_leap) {
    const int hour = take_number(parser, 2, 0, 23, "no hour from 00 to 23");
    expect_one_of(parser, ":", "no ':' after the hour");
    const int minute = take_number(parser, 2, 0, 59, "no minute from 00 to 59");
    expect_one_of(parser, ":", "no ':' after the minute");
    const int second = take_number(parser, 2, 0, 60, "no second from 00 to 60");
    *ret_leap = second == 60;
    return hour * 3600 + minute * 60 + second;
}

/* Nanoseconds; digits beyond the ninth are cut. */
static int64_t take_fraction(struct time_parser *parser) {
    if (!take_one_of(parser, ".")) {
        return 0;
    }
    if (!is_digit(parser)) {
        fault(parser, "no digit after the '.'");
    }
    int64_t fraction = 0;
    int64_t unit = NS_PER_SECOND / 10;
    for (; is_digit(parser); parser->at++) {
        fraction += (*parser->at - '0') * unit;
        unit /= 10;
    }
    return fraction;
}

/* Seconds east of UTC. */
static int take_offset(struct time_parser *parser) {
    if (take_one_of(parser, "Zz")) {
        return 0;
    }
    const bool west = parser->at < parser->end && *parser->at == '-';
    expect_one_of(parser, "+-", "no 'Z' or offset from UTC");
    const int hours = take_number(parser, 2, 0, 23, "no offset as +hh:mm");
    expect_one_of(parser, ":", "no offset as +hh:mm");
    const int minutes = take_number(parser, 2, 0, 59, "no offset as +hh:mm");
    const int offset = hours * 3600 + minutes * 60;
    return west ? -offset : offset;
}

enum alog_status alog_time_parse(struct alog_string text, int64_t *ret_timestamp_ns,
                                 struct alog_error *error) {
    if (text.data == NULL) {
        return alog_fail(error, ALOG_INVALID, 0, -1, "no time");
    }
    struct time_parser parser = {text.data, text.data, text.data + text.len, NULL};
    const int64_t days = take_days(&parser);
    /* RFC 3339 allows a space for people's sake. */
    expect_one_of(&parser, "Tt ", "no 'T' after the date");
    bool leap = false;
    int64_t seconds = take_second_of_day(&parser, &leap);
    const int64_t fraction = take_fraction(&parser);
    seconds += days * SECONDS_PER_DAY - take_offset(&parser);
    if (parser.at != parser.end) {
        fault(&parser, "more text after the time");
    }
    /* A leap second ends a UTC day; Unix time has no number of its own for it, and the next day
     * begins. */
    if (leap && seconds % SECONDS_PER_DAY != 0) {
        fault(&parser, "no leap second at that time");
    }
    if (seconds < 0 || seconds > (INT64_MAX - fraction) / NS_PER_SECOND) {
        fault(&parser, "not between 1970 and 2262");
    }
    if (parser.reason != NULL) {
        return alog_fail(error, ALOG_INVALID, 0, parser.at - parser.start, "%s in \"%.*s\"",
                         parser.reason, alog_quoted_len(text), text.data);
    }
    *ret_timestamp_ns = seconds * NS_PER_SECOND + fraction;
    return ALOG_OK;
}

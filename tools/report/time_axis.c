#include "report/time_axis.h"

#include <stdio.h>
#include <time.h>

#define DAY_S 86400

/* 1970-01-01 was a Thursday. */
static int64_t monday_of(int64_t day) {
    const int64_t weekday = ((day + 3) % 7 + 7) % 7;
    return day - weekday;
}

struct time_axis time_axis_make(int64_t first, int64_t end) {
    struct time_axis axis = {.first = first, .count = 1, .step = 1};
    if (end - first <= TIME_AXIS_DAYS) {
        axis.count = end > first ? (size_t)(end - first) : 1;
        return axis;
    }
    axis.first = monday_of(first);
    axis.step = 7;
    axis.count = (size_t)((monday_of(end - 1) - axis.first) / 7 + 1);
    return axis;
}

bool time_axis_bucket(const struct time_axis *axis, int64_t day, size_t *ret_bucket) {
    if (day < axis->first) {
        return false;
    }
    *ret_bucket = (size_t)((day - axis->first) / axis->step);
    return *ret_bucket < axis->count;
}

bool day_parse(const char *text, size_t len, int64_t *ret_day) {
    struct tm tm = {0};
    int end = 0;
    char day[DAY_BYTES];
    if (len >= sizeof day) {
        return false;
    }
    snprintf(day, sizeof day, "%.*s", (int)len, text);
    if (sscanf(day, "%4d-%2d-%2d%n", &tm.tm_year, &tm.tm_mon, &tm.tm_mday, &end) != 3 ||
        day[end] != '\0') {
        return false;
    }
    tm.tm_year -= 1900;
    tm.tm_mon -= 1;
    const int64_t at_s = timegm(&tm);
    *ret_day = at_s / DAY_S - (at_s % DAY_S < 0);
    return true;
}

static struct tm date_of(int64_t day) {
    const time_t at_s = day * DAY_S;
    struct tm tm = {0};
    gmtime_r(&at_s, &tm);
    return tm;
}

void day_format(int64_t day, char text[DAY_BYTES]) {
    const struct tm tm = date_of(day);
    if (strftime(text, DAY_BYTES, "%Y-%m-%d", &tm) == 0) {
        text[0] = '\0';
    }
}

/* Not strftime's, which are the locale's. */
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

void day_format_short(int64_t day, char text[DAY_BYTES]) {
    const struct tm tm = date_of(day);
    snprintf(text, DAY_BYTES, "%d %s", tm.tm_mday, months[tm.tm_mon % 12]);
}

void day_format_long(int64_t day, char text[DAY_BYTES]) {
    const struct tm tm = date_of(day);
    snprintf(text, DAY_BYTES, "%d %s %d", tm.tm_mday, months[tm.tm_mon % 12], tm.tm_year + 1900);
}

void time_axis_name(const struct time_axis *axis, size_t bucket, char text[BUCKET_BYTES]) {
    char day[DAY_BYTES];
    day_format(axis->first + (int64_t)bucket * axis->step, day);
    snprintf(text, BUCKET_BYTES, "%s%s", axis->step == 7 ? "week of " : "", day);
}

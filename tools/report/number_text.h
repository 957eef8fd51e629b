/* Numbers as people read them: 12,345 and 12.3 k, 88.2 %, $18.24, 812 ms. */
#ifndef AGENTLOG_TOOLS_REPORT_NUMBER_TEXT_H
#define AGENTLOG_TOOLS_REPORT_NUMBER_TEXT_H

#include <stddef.h>
#include <stdint.h>

#define NUMBER_BYTES 48

struct number_text {
    char text[NUMBER_BYTES];
};

enum number_unit { NUMBER_COUNT, NUMBER_RATE, NUMBER_MS, NUMBER_USD, NUMBER_PLAIN };

/* For tables: counts in full. NaN is "–": there is no data. */
struct number_text number_full(enum number_unit unit, double value);

/* For tiles, and where there is little room: three digits and a unit. */
struct number_text number_short(enum number_unit unit, double value);

/* For the marks of an axis, whose distance is `step`: no more decimals than tell them apart. */
struct number_text number_mark(enum number_unit unit, double value, double step);

#endif

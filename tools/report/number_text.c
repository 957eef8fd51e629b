#include "report/number_text.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define NO_BREAK "\xc2\xa0"
#define MINUS    "\xe2\x88\x92"
#define NO_DATA  "\xe2\x80\x93"

/* Decimals that leave `digits` significant ones, at most `most`. */
static int decimals_for(double value, int digits, int most) {
    const double size = fabs(value);
    int decimals = digits - 1;
    for (double limit = 10; decimals > 0 && size >= limit * (1 - 5e-4); limit *= 10) {
        decimals--;
    }
    for (double limit = 1; decimals < most && size > 0 && size < limit * (1 - 5e-4); limit /= 10) {
        decimals++;
    }
    return decimals < most ? decimals : most;
}

static const char *sign_of(double value) {
    return value < 0 ? MINUS : "";
}

/* Digits in groups of three. */
static struct number_text grouped(double value) {
    struct number_text result = {""};
    char digits[NUMBER_BYTES];
    const int len = snprintf(digits, sizeof digits, "%.0f", fabs(round(value)));
    size_t at = (size_t)snprintf(result.text, NUMBER_BYTES, "%s", sign_of(round(value)));
    for (int i = 0; i < len && at + 2 < NUMBER_BYTES; i++) {
        if (i > 0 && (len - i) % 3 == 0) {
            result.text[at++] = ',';
        }
        result.text[at++] = digits[i];
    }
    result.text[at] = '\0';
    return result;
}

/* Thousands, millions, … of it; `size` becomes what is left. */
static const char *unit_for(double *size) {
    static const char *const units[] = {"", NO_BREAK "k", NO_BREAK "M", NO_BREAK "G", NO_BREAK "T"};
    size_t unit = 0;
    for (; *size >= 999.5 && unit + 1 < sizeof units / sizeof *units; unit++) {
        *size /= 1000;
    }
    return units[unit];
}

/* Three digits and k, M, G, T. */
static struct number_text scaled(const char *before, double value) {
    struct number_text result;
    double size = fabs(value);
    const char *unit = unit_for(&size);
    const int decimals = unit[0] == '\0' && size == floor(size) ? 0 : decimals_for(size, 3, 2);
    snprintf(result.text, NUMBER_BYTES, "%s%s%.*f%s", sign_of(value), before, decimals, size, unit);
    return result;
}

/* The same with decimals enough to tell it from its neighbour. */
static struct number_text scaled_mark(const char *before, double value, double step) {
    struct number_text result;
    double size = fabs(value);
    const char *unit = unit_for(&size);
    const double share = size > 0 ? step / fabs(value) * size : 1; /* of the unit */
    snprintf(result.text, NUMBER_BYTES, "%s%s%.*f%s", sign_of(value), before,
             share > 0.999    ? 0
             : share > 0.0999 ? 1
                              : 2,
             size, unit);
    return result;
}

static struct number_text money(double dollars) {
    struct number_text result;
    const double size = fabs(dollars);
    if (size >= 1000) {
        struct number_text digits = grouped(size);
        snprintf(result.text, NUMBER_BYTES, "%s$%.40s", sign_of(dollars), digits.text);
        return result;
    }
    /* A price a token is not nothing. */
    const int decimals = size >= 0.1 || size == 0 ? 2 : decimals_for(size, 2, 9);
    snprintf(result.text, NUMBER_BYTES, "%s$%.*f", sign_of(dollars), decimals, size);
    return result;
}

static struct number_text duration(double ms) {
    struct number_text result;
    const double size = fabs(ms);
    if (size < 999.5) {
        snprintf(result.text, NUMBER_BYTES, "%.*f" NO_BREAK "ms",
                 size == 0 ? 0 : decimals_for(ms, 3, 2), ms);
    } else if (size < 59995) {
        snprintf(result.text, NUMBER_BYTES, "%.*f" NO_BREAK "s", decimals_for(ms / 1000, 3, 2),
                 ms / 1000);
    } else if (size < 3600e3) {
        snprintf(result.text, NUMBER_BYTES, "%.1f" NO_BREAK "min", ms / 60e3);
    } else {
        struct number_text hours = grouped(ms / 3600e3);
        if (size < 100 * 3600e3) {
            snprintf(result.text, NUMBER_BYTES, "%.1f" NO_BREAK "h", ms / 3600e3);
        } else {
            snprintf(result.text, NUMBER_BYTES, "%.40s" NO_BREAK "h", hours.text);
        }
    }
    return result;
}

static struct number_text plain(double value, int decimals, const char *unit) {
    struct number_text result;
    snprintf(result.text, NUMBER_BYTES, "%s%.*f%s", sign_of(value), decimals, fabs(value), unit);
    return result;
}

struct number_text number_full(enum number_unit unit, double value) {
    if (!isfinite(value)) {
        return (struct number_text){NO_DATA};
    }
    switch (unit) {
    case NUMBER_COUNT:
        return grouped(value);
    case NUMBER_RATE:
        return plain(value * 100, 1, NO_BREAK "%");
    case NUMBER_MS:
        return duration(value);
    case NUMBER_USD:
        return money(value);
    case NUMBER_PLAIN:
        break;
    }
    return fabs(value) >= 999.5 ? grouped(value) : plain(value, fabs(value) < 1 ? 3 : 2, "");
}

struct number_text number_short(enum number_unit unit, double value) {
    if (isfinite(value) && unit == NUMBER_COUNT) {
        return fabs(value) < 99999.5 ? grouped(value) : scaled("", value);
    }
    if (isfinite(value) && unit == NUMBER_USD && fabs(value) >= 99999.5) {
        return scaled("$", value);
    }
    return number_full(unit, value);
}

struct number_text number_mark(enum number_unit unit, double value, double step) {
    struct number_text result;
    switch (unit) {
    case NUMBER_COUNT:
        return scaled_mark("", value, step);
    case NUMBER_RATE:
        snprintf(result.text, NUMBER_BYTES, "%.*f" NO_BREAK "%%", step < 0.00999 ? 1 : 0,
                 value * 100);
        return result;
    case NUMBER_MS:
        if (value == 0) {
            return (struct number_text){"0"};
        }
        if (value < 999.5) {
            snprintf(result.text, NUMBER_BYTES, "%.*f" NO_BREAK "ms", step < 0.999 ? 1 : 0, value);
        } else {
            snprintf(result.text, NUMBER_BYTES, "%.*f" NO_BREAK "s", step < 999 ? 1 : 0,
                     value / 1000);
        }
        return result;
    case NUMBER_USD:
        if (value == 0) {
            return (struct number_text){"$0"};
        }
        if (value >= 999.5) {
            return scaled_mark("$", value, step);
        }
        /* Cents, or as many decimals as the step has. */
        snprintf(result.text, NUMBER_BYTES, "$%.*f",
                 step >= 0.999     ? 0
                 : step >= 0.00999 ? 2
                                   : (int)fmin(ceil(-log10(step) - 1e-9), 9),
                 value);
        return result;
    case NUMBER_PLAIN:
        break;
    }
    return plain(value, step < 0.0999 ? 2 : step < 0.999 ? 1 : 0, "");
}

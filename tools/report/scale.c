#include "report/scale.h"

#include <math.h>

static double round_step(double rough) {
    const double power = pow(10, floor(log10(rough)));
    const double times = rough / power;
    return power * (times <= 1.0000001 ? 1 : times <= 2.0000001 ? 2 : times <= 5.0000001 ? 5 : 10);
}

struct scale scale_make(double low, double high, int marks, double from, double to) {
    if (!isfinite(low) || !isfinite(high) || low > high) {
        low = 0;
        high = 1;
    }
    if (high - low < 1e-12 * fmax(1, fabs(high))) {
        /* One value: a mark below it and one above. */
        const double room = high == 0 ? 1 : fabs(high) * 0.1;
        low = low == 0 ? 0 : low - room;
        high += room;
    }
    struct scale scale = {.from = from, .to = to};
    scale.step = round_step((high - low) / marks);
    do {
        scale.low = floor(low / scale.step + 1e-9) * scale.step;
        scale.high = ceil(high / scale.step - 1e-9) * scale.step;
        if (scale_marks(&scale) <= (size_t)marks + 1) {
            return scale;
        }
        scale.step = round_step(scale.step * 1.5);
    } while (true);
}

double scale_at(const struct scale *scale, double value) {
    const double share = (value - scale->low) / (scale->high - scale->low);
    const double within = share < 0 ? 0 : share > 1 ? 1 : share;
    return scale->from + within * (scale->to - scale->from);
}

size_t scale_marks(const struct scale *scale) {
    return (size_t)llround((scale->high - scale->low) / scale->step) + 1;
}

double scale_mark(const struct scale *scale, size_t i) {
    /* Out of whole steps, so that zero is zero. */
    return (round(scale->low / scale->step) + (double)i) * scale->step;
}

bool scale_range(const double *values, size_t count, double *low, double *high) {
    bool found = false;
    for (size_t i = 0; i < count; i++) {
        if (!isnan(values[i])) {
            *low = found && *low < values[i] ? *low : values[i];
            *high = found && *high > values[i] ? *high : values[i];
            found = true;
        }
    }
    return found;
}

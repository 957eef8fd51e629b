/* The ids of events that were given none, against what printf makes of them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <stdio.h>

#include "format/event_id.h"

static void it_is_what_printf_makes(void **state) {
    (void)state;
    uint64_t writer_ids[66] = {0, UINT64_MAX}, sequences[] = {0, 1, 9, 10, UINT64_MAX};
    for (unsigned i = 0; i < 64; i++) {
        writer_ids[i + 2] = UINT64_C(0xfedcba9876543210) >> i;
    }
    for (size_t i = 0; i < sizeof(writer_ids) / sizeof(writer_ids[0]); i++) {
        for (size_t j = 0; j < sizeof(sequences) / sizeof(sequences[0]) + 64; j++) {
            const uint64_t sequence = j < 5 ? sequences[j] : UINT64_MAX >> (j - 5);
            char room[ALOG_EVENT_ID_BYTES], expected[ALOG_EVENT_ID_BYTES + 1];
            int len = snprintf(expected, sizeof(expected), "%016" PRIx64 "-%" PRIu64, writer_ids[i],
                               sequence);
            struct alog_string id = alog_event_id(writer_ids[i], sequence, room);
            assert_int_equal(id.len, len);
            assert_memory_equal(id.data, expected, id.len);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {cmocka_unit_test(it_is_what_printf_makes)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}

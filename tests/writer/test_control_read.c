/* writer/control_read.c: what was written comes back; whatever else stands there does no harm. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "support/file_bytes.h"
#include "support/scratch_dir.h"
#include "writer/control_file.h"
#include "writer/control_read.h"

struct fixture {
    char *dir;
    char path[4096];
    struct alog_schema *schema;
    struct alog_control_facts facts;
};

static int set_up(void **state) {
    struct fixture *f = calloc(1, sizeof *f);
    f->dir = scratch_dir_make();
    snprintf(f->path, sizeof f->path, "%s/00000000000000ab.writer", f->dir);
    *state = f;
    return 0;
}

static void forget(struct fixture *f) {
    alog_control_facts_free(&f->facts);
    if (f->schema != NULL) {
        alog_schema_free(f->schema);
        f->schema = NULL;
    }
}

static int tear_down(void **state) {
    struct fixture *f = *state;
    forget(f);
    scratch_dir_remove(f->dir);
    free(f);
    return 0;
}

static const struct alog_field fields[] = {
    {.name = "colour", .kind = ALOG_FIELD_NAME, .required = true},
    {.name = "weight", .kind = ALOG_FIELD_F64},
};
static const struct alog_event_type type = {
    .id = 64, .name = "paint", .name_len = 5, .fields = fields, .field_count = 2};

#define RINGS 40

static void write_all(struct fixture *f, bool finished) {
    struct alog_control_file control;
    assert_int_equal(alog_control_create(&control, alog_io_system(), f->dir, 0xab, ALOG_STR("test"),
                                         "/dev", NULL),
                     ALOG_OK);
    for (uint64_t ring = 1; ring <= RINGS; ring++) {
        assert_int_equal(alog_control_add_ring(&control, ring, "/dev/null"), 0);
    }
    assert_int_equal(alog_control_add_type(&control, &type), 0);
    if (finished) {
        assert_int_equal(alog_control_add_finished(&control), 0);
    }
    alog_control_close(&control, false);
    alog_control_free(&control);
}

static void read_all(struct fixture *f) {
    forget(f);
    assert_int_equal(alog_schema_new(&f->schema), ALOG_OK);
    int fd = open(f->path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(alog_control_read(alog_io_system(), fd, f->schema, &f->facts, NULL), ALOG_OK);
    close(fd);
}

static void what_was_written_comes_back(void **state) {
    struct fixture *f = *state;
    char boot_room[64];
    struct alog_string boot = alog_boot_id(alog_io_system(), boot_room);
    write_all(f, false);
    read_all(f);
    size_t bytes;
    free(file_bytes_read(f->path, &bytes));
    assert_true(f->facts.opened);
    assert_false(f->facts.finished);
    assert_int_equal(f->facts.whole_bytes, bytes);
    assert_int_equal(f->facts.writer_id, 0xab);
    assert_int_equal(f->facts.environment_len, 4);
    assert_memory_equal(f->facts.environment, "test", 4);
    assert_int_equal(strlen(f->facts.boot), boot.len);
    assert_memory_equal(f->facts.boot, boot.data, boot.len);
    assert_string_equal(f->facts.ring_dir, "/dev");
    char dir_id[ALOG_DIR_ID_BYTES];
    alog_dir_id("/dev", dir_id);
    assert_string_equal(f->facts.ring_dir_id, dir_id);
    assert_true(dir_id[0] != '\0');
    assert_int_equal(f->facts.ring_count, RINGS);
    for (size_t i = 0; i < RINGS; i++) {
        assert_int_equal(f->facts.rings[i].id, i + 1);
        assert_string_equal(f->facts.rings[i].path, "/dev/null");
    }
    const struct alog_event_type *paint = alog_schema_type(f->schema, 64);
    assert_non_null(paint);
    assert_string_equal(paint->name, "paint");
    assert_int_equal(paint->field_count, 2);
    assert_string_equal(paint->fields[0].name, "colour");
    assert_int_equal(paint->fields[0].kind, ALOG_FIELD_NAME);
    assert_true(paint->fields[0].required);
    assert_int_equal(paint->fields[1].kind, ALOG_FIELD_F64);
}

static void the_end_of_a_writers_life_is_seen(void **state) {
    struct fixture *f = *state;
    write_all(f, true);
    read_all(f);
    assert_true(f->facts.finished);
}

/* Cut anywhere: what is whole counts. */
static void a_torn_file_ends_before_the_tear(void **state) {
    struct fixture *f = *state;
    write_all(f, true);
    size_t bytes;
    uint8_t *data = file_bytes_read(f->path, &bytes);
    size_t rings = 0;
    for (size_t cut = 0; cut <= bytes; cut++) {
        file_bytes_write(f->path, data, cut);
        read_all(f);
        assert_true(f->facts.whole_bytes <= cut);
        assert_true(f->facts.ring_count >= rings);
        rings = f->facts.ring_count;
        assert_int_equal(f->facts.types, alog_schema_type(f->schema, 64) != NULL);
        assert_int_equal(f->facts.finished, cut == bytes);
    }
    assert_int_equal(rings, RINGS);
    free(data);
}

static void any_bytes_do_no_harm(void **state) {
    struct fixture *f = *state;
    write_all(f, true);
    size_t bytes;
    uint8_t *data = file_bytes_read(f->path, &bytes);
    for (size_t at = 0; at < bytes; at++) {
        uint8_t bit = (uint8_t)(1u << (at % 8));
        data[at] ^= bit;
        file_bytes_write(f->path, data, bytes);
        read_all(f);
        assert_true(f->facts.whole_bytes <= bytes);
        data[at] ^= bit;
    }
    free(data);
}

int main(void) {
#define CASE(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        CASE(what_was_written_comes_back),
        CASE(the_end_of_a_writers_life_is_seen),
        CASE(a_torn_file_ends_before_the_tear),
        CASE(any_bytes_do_no_harm),
    };
    return cmocka_run_group_tests_name("control_read", tests, NULL, NULL);
}

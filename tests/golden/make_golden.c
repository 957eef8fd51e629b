/*
 * Makes the golden segments and their twins, the same bytes every time:
 *
 *     make_golden DIRECTORY
 *     make_golden --twins DIRECTORY    only the twins, of the segments that are there
 *     make_golden --zstd               the version of zstd that compresses
 *
 * good/ and bad/ get segments; beside each NAME stand NAME.ndjson, its events, and NAME.json, its
 * facts and every fault that a reader reports. Bad segments are made from good ones by the changes
 * in `bad_segments`. Clock and random bytes are fixed; the only thing that can change the bytes is
 * another version of zstd.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <zstd.h>

#include <agentlog/ndjson.h>
#include <agentlog/reader.h>

#include "format/little_endian.h"
#include "format/segment_frame.h"
#include "support/file_bytes.h"
#include "support/scratch_dir.h"
#include "support/scripted_io.h"
#include "support/segment_dump.h"
#include "support/segment_maker.h"

#define WRITER_ID UINT64_C(0x0123456789abcdef)

/* One of each type of the catalogue, with as many of its fields as make sense together. */
static const char *const catalogue_lines[] = {
    "{\"event\":\"job_start\",\"timestamp\":\"2026-02-04T12:00:00.000000001Z\",\"job_id\":"
    "\"job-1\",\"ai_agent\":true,\"metadata\":{\"branch\":\"main\",\"tries\":[1,2]}}",
    "{\"event\":\"agent_execution\",\"timestamp\":\"2026-02-04T12:00:01.250Z\",\"job_id\":\"job-"
    "1\",\"agent_name\":\"refactoring_agent\",\"issue_type\":\"complexity\",\"success\":true,"
    "\"confidence\":0.87,\"fixes_applied\":3,\"files_modified\":2,\"remaining_issues\":0,"
    "\"execution_time_ms\":1234.567,\"provider_id\":\"anthropic\",\"model\":\"claude-sonnet\","
    "\"attempt\":1}",
    "{\"event\":\"provider_performance\",\"timestamp\":\"2026-02-04T12:00:01.100Z\",\"job_id\":"
    "\"job-1\",\"provider_id\":\"anthropic\",\"model\":\"claude-sonnet\",\"success\":false,"
    "\"failure_class\":\"availability\",\"latency_ms\":0.1,\"error_type\":\"rate_limit\",\"error_"
    "message\":\"429 Too Many Requests\",\"retry_count\":2,\"fallback_from\":\"openai\","
    "\"fallback_reason\":\"timeout\",\"agent_name\":\"refactoring_agent\",\"input_tokens\":1200,"
    "\"output_tokens\":0,\"cost_usd\":0.0042}",
    "{\"event\":\"strategy_decision\",\"timestamp\":\"2026-02-04T12:00:02Z\",\"job_id\":\"job-1\","
    "\"iteration\":2,\"previous_strategy\":\"sequential\",\"selected_strategy\":\"parallel\","
    "\"decision_reason\":\"three independent issues\",\"context_data\":{\"issues\":3},"
    "\"effectiveness_score\":0.5}",
    "{\"event\":\"orchestration_execution\",\"timestamp\":\"2026-02-04T12:00:03Z\",\"job_id\":"
    "\"job-1\",\"execution_strategy\":\"adaptive\",\"progress_level\":\"detailed\",\"ai_mode\":"
    "\"multi_agent\",\"iteration_count\":4,\"strategy_switches\":1,\"correlation_insights\":"
    "{\"pairs\":[]},\"total_execution_time_ms\":98765.4321,\"hooks_execution_time_ms\":1000,"
    "\"tests_execution_time_ms\":5e-7,\"ai_analysis_time_ms\":12.5}",
    "{\"event\":\"hook_execution\",\"timestamp\":\"2026-02-04T12:00:04Z\",\"job_id\":\"job-1\","
    "\"hook_name\":\"ruff-check\",\"hook_type\":\"fast\",\"execution_time_ms\":250.125,\"status\":"
    "\"failed\"}",
    "{\"event\":\"test_execution\",\"timestamp\":\"2026-02-04T12:00:05Z\",\"job_id\":\"job-1\","
    "\"total_tests\":10,\"passed\":8,\"failed\":1,\"skipped\":1,\"execution_time_ms\":4000,"
    "\"coverage_percent\":42.25}",
    "{\"event\":\"individual_test_execution\",\"timestamp\":\"2026-02-04T12:00:05Z\",\"job_id\":"
    "\"job-1\",\"test_id\":\"tests/test_a.py::TestA::test_b\",\"test_file\":\"tests/test_a.py\","
    "\"test_class\":\"TestA\",\"test_method\":\"test_b\",\"status\":\"failed\",\"execution_time_"
    "ms\":17.5,\"error_message\":\"assert 1 == 2\",\"error_traceback\":\"line 1\\nline 2\"}",
    "{\"event\":\"error\",\"timestamp\":\"2026-02-04T12:00:06Z\",\"job_id\":\"job-1\",\"error_"
    "type\":\"lint\",\"error_category\":\"E501\",\"error_message\":\"line too long (\\u00e4\\u6f22"
    "\\ud83d\\ude00)\",\"file_path\":\"a/b.py\",\"line_number\":17}",
    "{\"event\":\"writer_loss\",\"timestamp\":\"2026-02-04T12:00:07Z\",\"lost_event\":\"hook_"
    "execution\",\"lost_count\":12,\"reason\":\"ring_full\",\"after_sequence\":7,\"ring\":1}",
    "{\"event\":\"writer_stats\",\"timestamp\":\"2026-02-04T12:00:08Z\",\"emitted\":24,\"stored\":"
    "12,\"dropped\":12,\"raw_bytes\":2048,\"segment_bytes\":1024,\"by_type\":{\"error\":1}}",
    "{\"event\":\"job_end\",\"timestamp\":\"2026-02-04T12:00:09Z\",\"job_id\":\"job-1\",\"status\":"
    "\"success\",\"iterations\":4,\"error_message\":\"\"}",
};

/* What is odd and yet must come back as it was. */
static const char *const odd_lines[] = {
    /* a clock that steps back, a second job, an imported event with its own id and environment */
    "{\"event\":\"hook_execution\",\"timestamp\":\"2026-02-04T11:59:00Z\",\"job_id\":\"job-2\","
    "\"event_id\":\"import-7\",\"environment\":\"test\",\"hook_name\":\"mypy\",\"status\":"
    "\"skipped\"}",
    /* the first and the last moment, and no field that is not required */
    "{\"event\":\"job_start\",\"timestamp\":0,\"job_id\":\"job-3\"}",
    "{\"event\":\"job_end\",\"timestamp\":9223372036854775807,\"job_id\":\"job-3\",\"status\":"
    "\"cancelled\"}",
    /* numbers that are no thousandths, or hardly */
    "{\"event\":\"agent_execution\",\"timestamp\":1,\"agent_name\":\"a\",\"success\":false,"
    "\"confidence\":0.30000000000000004,\"execution_time_ms\":\"Infinity\"}",
    "{\"event\":\"test_execution\",\"timestamp\":2,\"execution_time_ms\":\"NaN\",\"coverage_"
    "percent\":100}",
    /* NUL in text, attributes of every kind */
    "{\"event\":\"error\",\"timestamp\":3,\"error_type\":\"hook\",\"error_message\":\"a\\u0000b\","
    "\"host\":\"h1\",\"pid\":4711,\"big\":18446744073709551615,\"small\":-9223372036854775808,"
    "\"share\":0.25,\"ok\":true,\"nothing\":null,\"nested\":{\"a\":[1,null]}}",
};

static const char *const more_lines[] = {
    "{\"event\":\"hook_execution\",\"timestamp\":\"2026-02-04T12:01:00Z\",\"job_id\":\"job-4\","
    "\"hook_name\":\"ruff-check\",\"status\":\"success\",\"execution_time_ms\":12}",
    "{\"event\":\"hook_execution\",\"timestamp\":\"2026-02-04T12:01:01Z\",\"job_id\":\"job-4\","
    "\"hook_name\":\"ruff-format\",\"status\":\"success\",\"execution_time_ms\":15.5}",
};

#define COUNT_OF(array) (sizeof(array) / sizeof *(array))

static void add_lines(struct segment_maker *maker, const char *const *lines, size_t count) {
    for (size_t i = 0; i < count; i++) {
        segment_maker_add_line(maker, lines[i]);
    }
}

static void end_block(struct segment_maker *maker) {
    if (segment_maker_end_block(maker) != ALOG_OK) {
        fprintf(stderr, "make_golden: a block was not written\n");
        exit(1);
    }
}

/* An event type of the application's own, with fields of most kinds, and an attribute. */
static void add_user_event(struct segment_maker *maker) {
    static const struct alog_field fields[] = {
        {.name = "cache", .kind = ALOG_FIELD_NAME, .required = true, .unit = "", .otel = ""},
        {.name = "hit", .kind = ALOG_FIELD_BOOL, .unit = "", .otel = ""},
        {.name = "size", .kind = ALOG_FIELD_I64, .unit = "By", .otel = ""},
        {.name = "age_s", .kind = ALOG_FIELD_F64, .unit = "s", .otel = ""},
        {.name = "note", .kind = ALOG_FIELD_TEXT, .unit = "", .otel = ""},
    };
    const struct alog_event_type *type;
    if (alog_schema_define(maker->schema, 0, ALOG_STR("cache_lookup"), fields, COUNT_OF(fields),
                           &type, NULL) != ALOG_OK) {
        exit(1);
    }
    const struct alog_value values[] = {
        {.kind = ALOG_VALUE_STRING, .string = ALOG_STR("prompts")},
        {.kind = ALOG_VALUE_BOOL, .boolean = true},
        {.kind = ALOG_VALUE_I64, .i64 = -65536},
        {.kind = ALOG_VALUE_F64, .f64 = 3.25},
    };
    const struct alog_attribute attribute = {
        ALOG_STR("region"), {.kind = ALOG_VALUE_STRING, .string = ALOG_STR("eu-west")}};
    const struct alog_event event = {
        .name = ALOG_STR("cache_lookup"),
        .type = type,
        .timestamp_ns = INT64_C(1770206410000000000),
        .has_timestamp = true,
        .job_id = ALOG_STR("job-1"),
        .values = values,
        .value_count = COUNT_OF(values),
        .attributes = &attribute,
        .attribute_count = 1,
    };
    segment_maker_add(maker, &event);
}

static void begin(struct segment_maker *maker, struct scripted_io *script, const char *scratch) {
    scripted_io_init(script);
    segment_maker_init(maker, &script->io, scratch, WRITER_ID);
    segment_maker_begin(maker);
}

/* Move the maker's segment to DIRECTORY/NAME and end the maker. */
static void keep(struct segment_maker *maker, const char *directory, const char *name) {
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    size_t bytes;
    uint8_t *data = file_bytes_read(maker->path, &bytes);
    file_bytes_write(path, data, bytes);
    free(data);
    remove(maker->path);
    segment_maker_free(maker);
}

static void make_good(const char *directory, const char *scratch) {
    struct scripted_io script;
    struct segment_maker maker;

    begin(&maker, &script, scratch);
    add_lines(&maker, catalogue_lines, COUNT_OF(catalogue_lines));
    add_user_event(&maker);
    end_block(&maker);
    add_lines(&maker, odd_lines, COUNT_OF(odd_lines));
    end_block(&maker);
    segment_maker_seal(&maker);
    keep(&maker, directory, "all_types.msgpack.zst");

    begin(&maker, &script, scratch);
    for (size_t i = 0; i < COUNT_OF(more_lines); i++) {
        add_lines(&maker, more_lines + i, 1);
        end_block(&maker);
    }
    segment_maker_abandon(&maker);
    keep(&maker, directory, "unsealed.msgpack.zst.open");

    /* The smallest segment there is: FORMAT.md shows it byte by byte. */
    begin(&maker, &script, scratch);
    add_lines(&maker, more_lines, 1);
    end_block(&maker);
    segment_maker_seal(&maker);
    keep(&maker, directory, "tiny.msgpack.zst");

    /* Three blocks, of which the bad ones lose one. */
    begin(&maker, &script, scratch);
    add_lines(&maker, more_lines, 1);
    end_block(&maker);
    add_lines(&maker, more_lines, 2);
    end_block(&maker);
    add_lines(&maker, more_lines + 1, 1);
    end_block(&maker);
    segment_maker_seal(&maker);
    keep(&maker, directory, "three_blocks.msgpack.zst");
}

/* ---- Bad segments -------------------------------------------------------------------------- */

/* Where the parts of three_blocks stand. */
struct layout {
    uint64_t block[4]; /* offsets of the three block headers, and of the index */
    uint64_t frame[3];
    uint64_t seek_table;
    size_t bytes;
};

struct file_image {
    uint8_t *data;
    size_t bytes;
};

static void cut_in_a_block(struct file_image *file, const struct layout *layout) {
    file->bytes = (size_t)layout->frame[2] + 9;
}

static void cut_after_a_block(struct file_image *file, const struct layout *layout) {
    file->bytes = (size_t)layout->block[2];
}

static void cut_before_the_seek_table(struct file_image *file, const struct layout *layout) {
    file->bytes = (size_t)layout->seek_table;
}

static void flip_in_the_file_header(struct file_image *file, const struct layout *layout) {
    (void)layout;
    file->data[44] ^= 0x10;
}

static void flip_in_a_block_header(struct file_image *file, const struct layout *layout) {
    file->data[layout->block[1] + 50] ^= 0x10;
}

static void flip_in_a_frame(struct file_image *file, const struct layout *layout) {
    file->data[layout->frame[1] + 20] ^= 0x10;
}

static void flip_in_the_index(struct file_image *file, const struct layout *layout) {
    file->data[layout->block[3] + 60] ^= 0x10;
}

static void flip_in_the_seek_table(struct file_image *file, const struct layout *layout) {
    file->data[layout->seek_table + 8] ^= 0x10;
}

static void wrong_magic(struct file_image *file, const struct layout *layout) {
    (void)layout;
    memcpy(file->data, "{\"event\":\"x\"}\n", 14);
    file->bytes = 14;
}

/* A page that never reached the disk, although a later one did. */
static void zeros_in_the_middle(struct file_image *file, const struct layout *layout) {
    memset(file->data + layout->block[1], 0, (size_t)(layout->block[2] - layout->block[1]));
}

static void zeros_at_the_end(struct file_image *file, const struct layout *layout) {
    memset(file->data + layout->block[2], 0, file->bytes - (size_t)layout->block[2]);
}

static void block_taken_out(struct file_image *file, const struct layout *layout) {
    memmove(file->data + layout->block[1], file->data + layout->block[2],
            file->bytes - (size_t)layout->block[2]);
    file->bytes -= (size_t)(layout->block[2] - layout->block[1]);
}

/* The index of another file in place of its own: each is good by itself. */
static void another_index(struct file_image *file, const struct layout *layout) {
    uint8_t *payload = file->data + layout->block[3] + 8;
    payload[16] ^= 0xFF;
    /* Its check is right again, so that only the file id tells. */
    size_t bytes = alog_le_load32(file->data + layout->block[3] + 4);
    alog_le_store64(payload + bytes - 8, alog_frame_check_of(payload, bytes));
}

static const struct {
    const char *name;
    void (*change)(struct file_image *file, const struct layout *layout);
} bad_segments[] = {
    {"another_index.msgpack.zst", another_index},
    {"block_taken_out.msgpack.zst", block_taken_out},
    {"cut_after_a_block.msgpack.zst", cut_after_a_block},
    {"cut_before_the_seek_table.msgpack.zst", cut_before_the_seek_table},
    {"cut_in_a_block.msgpack.zst", cut_in_a_block},
    {"cut_in_a_block.msgpack.zst.open", cut_in_a_block},
    {"flip_in_a_block_header.msgpack.zst", flip_in_a_block_header},
    {"flip_in_a_frame.msgpack.zst", flip_in_a_frame},
    {"flip_in_the_file_header.msgpack.zst", flip_in_the_file_header},
    {"flip_in_the_index.msgpack.zst", flip_in_the_index},
    {"flip_in_the_seek_table.msgpack.zst", flip_in_the_seek_table},
    {"wrong_magic.msgpack.zst", wrong_magic},
    {"zeros_at_the_end.msgpack.zst.open", zeros_at_the_end},
    {"zeros_in_the_middle.msgpack.zst", zeros_in_the_middle},
    {"zeros_in_the_middle.msgpack.zst.open", zeros_in_the_middle},
};

static void find_layout(const char *path, struct layout *ret_layout) {
    struct alog_segment_scan *scan;
    if (alog_segment_scan_open(alog_io_system(), path, NULL, NULL, &scan, NULL) != ALOG_OK) {
        exit(1);
    }
    for (unsigned i = 0; i < 3; i++) {
        const struct alog_block_header *header;
        if (alog_segment_scan_next(scan, &header, NULL) != ALOG_OK || header == NULL) {
            exit(1);
        }
        ret_layout->block[i] = alog_segment_scan_offset(scan);
        ret_layout->frame[i] = alog_segment_scan_end(scan) - header->facts.compressed_bytes;
        ret_layout->block[i + 1] = alog_segment_scan_end(scan);
    }
    ret_layout->bytes = (size_t)alog_segment_scan_file_bytes(scan);
    alog_segment_scan_close(scan);
}

static void make_bad(const char *good, const char *bad) {
    char path[2 * PATH_MAX];
    snprintf(path, sizeof path, "%s/three_blocks.msgpack.zst", good);
    struct layout layout = {0};
    find_layout(path, &layout);
    for (size_t i = 0; i < COUNT_OF(bad_segments); i++) {
        struct file_image file;
        file.data = file_bytes_read(path, &file.bytes);
        layout.seek_table = layout.block[3] + 8 + alog_le_load32(file.data + layout.block[3] + 4);
        bad_segments[i].change(&file, &layout);
        char bad_path[2 * PATH_MAX];
        snprintf(bad_path, sizeof bad_path, "%s/%s", bad, bad_segments[i].name);
        file_bytes_write(bad_path, file.data, file.bytes);
        free(file.data);
    }
}

/* ---- Twins --------------------------------------------------------------------------------- */

static const char *const good_segments[] = {
    "all_types.msgpack.zst",
    "three_blocks.msgpack.zst",
    "tiny.msgpack.zst",
    "unsealed.msgpack.zst.open",
};

static void write_twins(const char *path) {
    struct segment_dump dump;
    struct alog_text text = {0};
    char twin[2 * PATH_MAX];
    enum alog_status status = segment_dump_read(path, NULL, &dump);
    if (status == ALOG_OK) {
        snprintf(twin, sizeof twin, "%s.ndjson", path);
        file_bytes_write(twin, dump.events.data ? dump.events.data : "", dump.events.len);
    }
    segment_dump_free(&dump);
    segment_dump_facts(path, &text);
    snprintf(twin, sizeof twin, "%s.json", path);
    file_bytes_write(twin, text.data, text.len);
    alog_text_free(&text);
}

static void write_all_twins(const char *directory) {
    char path[2 * PATH_MAX];
    for (size_t i = 0; i < COUNT_OF(good_segments); i++) {
        snprintf(path, sizeof path, "%s/good/%s", directory, good_segments[i]);
        write_twins(path);
    }
    for (size_t i = 0; i < COUNT_OF(bad_segments); i++) {
        snprintf(path, sizeof path, "%s/bad/%s", directory, bad_segments[i].name);
        write_twins(path);
    }
}

static int make_all(const char *directory) {
    char good[PATH_MAX], bad[PATH_MAX];
    snprintf(good, sizeof good, "%s/good", directory);
    snprintf(bad, sizeof bad, "%s/bad", directory);
    if (alog_io_make_dirs(alog_io_system(), good, 0777) < 0 ||
        alog_io_make_dirs(alog_io_system(), bad, 0777) < 0) {
        perror(directory);
        return 1;
    }
    char *scratch = scratch_dir_make();
    make_good(good, scratch);
    make_bad(good, bad);
    scratch_dir_remove(scratch);
    write_all_twins(directory);
    return 0;
}

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--zstd") == 0) {
        puts(ZSTD_versionString());
        return 0;
    }
    if (argc == 3 && strcmp(argv[1], "--twins") == 0) {
        write_all_twins(argv[2]);
        return 0;
    }
    if (argc != 2) {
        fprintf(stderr, "usage: make_golden [--twins] DIRECTORY | --zstd\n");
        return 2;
    }
    return make_all(argv[1]);
}

/*
 * Reading a writer's control file, whose format is in control_file.h. It is untrusted: whatever
 * stands there, what comes out is bounded, and at most less is known.
 */
#ifndef AGENTLOG_WRITER_CONTROL_READ_H
#define AGENTLOG_WRITER_CONTROL_READ_H

#include <agentlog/agentlog.h>

#include "control_file.h"
#include "format/io.h"
#include "format/schema.h"

#define ALOG_CONTROL_MAX_BYTES (64u << 20) /* more is not read */
#define ALOG_CONTROL_MAX_RINGS 65536u

/* A ring as the control file names it. */
struct alog_control_ring {
    uint64_t id;
    char *path; /* "" = not known */
};

/* Zero-initialise; free with alog_control_facts_free. */
struct alog_control_facts {
    bool opened; /* the opening map is there */
    uid_t owner; /* of the file */
    uint64_t writer_id;
    char environment[ALOG_MAX_NAME_BYTES];
    size_t environment_len;
    char boot[64]; /* "" = not known */
    char ring_dir_id[ALOG_DIR_ID_BYTES];
    char *ring_dir; /* NULL = not known */
    struct alog_control_ring *rings;
    size_t ring_count;
    bool finished;
    uint64_t whole_bytes; /* the maps that were understood end here; what follows is torn */
    uint64_t types;       /* definitions that were taken into the schema */
};

/*
 * Read the open file `fd` and define its types in `schema`. Reading stops at the first bytes that
 * are no map of ours. ALOG_IO, ALOG_NO_MEMORY; then too `facts` is freed as usual.
 */
enum alog_status alog_control_read(const struct alog_io *io, int fd, struct alog_schema *schema,
                                   struct alog_control_facts *facts, struct alog_error *error);
void alog_control_facts_free(struct alog_control_facts *facts);

#endif

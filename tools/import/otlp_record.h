/* Spans and log records of OTLP/JSON as events. */
#ifndef AGENTLOG_TOOLS_OTLP_RECORD_H
#define AGENTLOG_TOOLS_OTLP_RECORD_H

#include <jansson.h>

#include "import/id_set.h"
#include "import/import_event.h"
#include "import/import_run.h"
#include "otlp/otlp_value.h"

/* Start with zeros but for the first three; free with otlp_records_free. */
struct otlp_records {
    struct import *import;
    const char *path;        /* of the file, for messages */
    uint64_t line;           /* that the document at work begins on */
    const json_t *resource;  /* of the records at work, */
    const json_t *scope;     /* … and what made them */
    uint64_t number;         /* of the record in its document, from 1 */
    struct otlp_texts texts; /* of the record at work */
    struct event_draft draft;
    bool *used; /* which of the record's attributes are fields by now */
    size_t used_capacity;
    struct id_hasher *hasher;
    struct id_counts seen; /* records that have no ids of their own */
};

/*
 * Every span and log record of one document: TracesData or LogsData, which are what the export
 * requests look like. False after saying that it is neither.
 */
bool otlp_records_read(struct otlp_records *records, const json_t *document);
void otlp_records_free(struct otlp_records *records);

#endif

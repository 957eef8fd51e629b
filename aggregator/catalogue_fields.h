/* The catalogue's event ids and field positions as constants, so that neither can drift from it:
 * ALOG_ID_agent_execution, ALOG_AT_agent_execution_confidence, … */
#ifndef AGENTLOG_AGGREGATOR_CATALOGUE_FIELDS_H
#define AGENTLOG_AGGREGATOR_CATALOGUE_FIELDS_H

/* clang-format off */

enum alog_catalogue_id {
#define ALOG_EVENT(id, event, doc) ALOG_ID_##event = (id),
#include "format/catalogue.def"
};

#define ALOG_EVENT(id, event, doc) enum alog_fields_of_##event {
#define ALOG_NAME(event, field, presence, otel, doc) ALOG_AT_##event##_##field,
#define ALOG_TEXT(event, field, presence, otel, doc) ALOG_AT_##event##_##field,
#define ALOG_JSON(event, field, presence, otel, doc) ALOG_AT_##event##_##field,
#define ALOG_BOOLEAN(event, field, presence, otel, doc) ALOG_AT_##event##_##field,
#define ALOG_INTEGER(event, field, presence, unit, minimum, maximum, otel, doc) ALOG_AT_##event##_##field,
#define ALOG_REAL(event, field, presence, unit, minimum, maximum, otel, doc) ALOG_AT_##event##_##field,
#define ALOG_ENUMERATED(event, field, presence, enumeration, otel, doc) ALOG_AT_##event##_##field,
#define ALOG_EVENT_END(event) ALOG_FIELDS_OF_##event };
#include "format/catalogue.def"

/* clang-format on */

#endif

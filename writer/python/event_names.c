/* The catalogue's names as Python strings; see python_writer.h. */
#include "python_writer.h"

PyObject *python_common_names[PYTHON_COMMON_COUNT];

static struct python_event events[ALOG_FIRST_USER_TYPE];

int python_event_fill(struct python_event *event, const struct alog_event_type *type) {
    *event = (struct python_event){.type = type};
    for (uint32_t i = 0; i < type->field_count; i++) {
        event->field_names[i] = PyUnicode_InternFromString(type->fields[i].name);
        if (event->field_names[i] == NULL) {
            python_event_clear(event);
            return -1;
        }
    }
    return 0;
}

void python_event_clear(struct python_event *event) {
    for (uint32_t i = 0; i < ALOG_MAX_FIELDS; i++) {
        Py_CLEAR(event->field_names[i]);
    }
    Py_CLEAR(event->kwnames);
}

int python_events_init(void) {
    static const char *const common[PYTHON_COMMON_COUNT] = {
        [PYTHON_JOB_ID] = "job_id",         [PYTHON_TIMESTAMP] = "timestamp",
        [PYTHON_EVENT_ID] = "event_id",     [PYTHON_ENVIRONMENT] = "environment",
        [PYTHON_ATTRIBUTES] = "attributes",
    };
    for (int i = 0; i < PYTHON_COMMON_COUNT; i++) {
        python_common_names[i] = PyUnicode_InternFromString(common[i]);
        if (python_common_names[i] == NULL) {
            return -1;
        }
    }
    size_t count;
    const struct alog_event_type *types = alog_catalogue(&count);
    for (size_t i = 0; i < count; i++) {
        if (python_event_fill(&events[types[i].id], &types[i]) < 0) {
            return -1;
        }
    }
    return 0;
}

struct python_event *python_event_of_id(uint32_t id) {
    return id < ALOG_FIRST_USER_TYPE && events[id].type != NULL ? &events[id] : NULL;
}

/* A call's arguments to one event; see python_writer.h. */
#include <stdlib.h>

#include "python_writer.h"
#include "writer/log_event.h"

PyObject *python_current_job;

/* Attributes beyond this many of one event need memory of their own. */
#define FEW_ATTRIBUTES 16

struct call {
    struct python_event *event;
    struct python_keep keep;
    struct alog_event out;
    struct alog_value values[ALOG_MAX_FIELDS];
    struct alog_attribute few[FEW_ATTRIBUTES];
    struct alog_attribute *attributes;
    uint32_t attribute_capacity;
    PyObject *job; /* the context's, a reference of ours */
};

/* ---- Names ----------------------------------------------------------------------------------- */

/* Nearly always the very same string, and in the catalogue's order: `hint` is where to look first.
 */
static int find_field(const struct python_event *event, PyObject *name, uint32_t hint) {
    uint32_t count = event->type->field_count;
    for (uint32_t n = 0, i = hint; n < count; n++, i++) {
        i = i < count ? i : 0;
        if (event->field_names[i] == name) {
            return (int)i;
        }
    }
    return -1;
}

static int find_common(PyObject *name) {
    for (int i = 0; i < PYTHON_COMMON_COUNT; i++) {
        if (python_common_names[i] == name) {
            return i;
        }
    }
    return -1;
}

/* The same by content, for a name that was made at run time. NULL: it is none of them. */
static PyObject *known_name(const struct python_event *event, PyObject *name) {
    for (uint32_t i = 0; i < event->type->field_count; i++) {
        if (PyUnicode_Compare(event->field_names[i], name) == 0) {
            return event->field_names[i];
        }
    }
    for (int i = 0; i < PYTHON_COMMON_COUNT; i++) {
        if (PyUnicode_Compare(python_common_names[i], name) == 0) {
            return python_common_names[i];
        }
    }
    return NULL;
}

/* ---- Taking arguments ------------------------------------------------------------------------ */

static int reserve_attribute(struct call *call) {
    if (call->out.attribute_count < call->attribute_capacity) {
        return 0;
    }
    uint32_t capacity = 2 * call->attribute_capacity;
    struct alog_attribute *grown = malloc(capacity * sizeof *grown);
    if (grown == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memcpy(grown, call->attributes, call->out.attribute_count * sizeof *grown);
    if (call->attributes != call->few) {
        free(call->attributes);
    }
    call->attributes = grown;
    call->attribute_capacity = capacity;
    return 0;
}

static int add_attribute(struct call *call, PyObject *name, PyObject *value) {
    if (reserve_attribute(call) < 0) {
        return -1;
    }
    struct alog_attribute *attribute = &call->attributes[call->out.attribute_count];
    if (python_string(name, &call->keep, &attribute->name) < 0 ||
        python_attribute_value(value, &call->keep, &attribute->value) < 0) {
        return -1;
    }
    call->out.attribute_count++;
    return 0;
}

/* `attributes=` takes any mapping; the list of its items keeps names and values alive. */
static int add_attributes(struct call *call, PyObject *mapping) {
    PyObject *items = PyMapping_Items(mapping);
    if (items == NULL || python_keep_object(&call->keep, items) < 0) {
        return -1;
    }
    Py_ssize_t count = PyList_Size(items);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *item = PyList_GetItem(items, i);
        PyObject *name = item != NULL ? PyTuple_GetItem(item, 0) : NULL;
        PyObject *value = name != NULL ? PyTuple_GetItem(item, 1) : NULL;
        if (value == NULL || add_attribute(call, name, value) < 0) {
            return -1;
        }
    }
    return 0;
}

static int take_common(struct call *call, enum python_common which, PyObject *value) {
    if (value == Py_None) {
        return 0;
    }
    switch (which) {
    case PYTHON_JOB_ID:
        return python_string(value, &call->keep, &call->out.job_id);
    case PYTHON_EVENT_ID:
        return python_string(value, &call->keep, &call->out.event_id);
    case PYTHON_ENVIRONMENT:
        return python_string(value, &call->keep, &call->out.environment);
    case PYTHON_TIMESTAMP:
        call->out.has_timestamp = true;
        return python_timestamp(value, &call->out.timestamp_ns);
    case PYTHON_ATTRIBUTES:
        return add_attributes(call, value);
    case PYTHON_COMMON_COUNT:
        break;
    }
    return -1;
}

static int take_field(struct call *call, uint32_t field, PyObject *value) {
    while (call->out.value_count <= field) {
        call->values[call->out.value_count++].kind = ALOG_VALUE_ABSENT;
    }
    return python_field_value(value, call->event->type->fields[field].kind, &call->keep,
                              &call->values[field]);
}

/* What a name means: a place as in struct python_event, or -1 for an attribute. */
static int find_place(const struct python_event *event, PyObject *name, uint32_t hint) {
    int field = find_field(event, name, hint);
    int common = field < 0 ? find_common(name) : -1;
    if (field < 0 && common < 0) {
        PyObject *known = known_name(event, name);
        if (known == NULL) {
            return -1;
        }
        field = find_field(event, known, 0);
        common = field < 0 ? find_common(known) : -1;
    }
    return field >= 0 ? field : (int)ALOG_MAX_FIELDS + common;
}

static int take_place(struct call *call, uint32_t place, PyObject *value) {
    return place < ALOG_MAX_FIELDS
               ? take_field(call, place, value)
               : take_common(call, (enum python_common)(place - ALOG_MAX_FIELDS), value);
}

/* Look up what the names mean, and keep it if each of them is a place. False: they are not. */
static bool learn_names(struct python_event *event, PyObject *kwnames, uint32_t hint) {
    Py_ssize_t count = PyTuple_Size(kwnames);
    int places[PYTHON_MAX_PLACES];
    if (count > PYTHON_MAX_PLACES) {
        return false;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        places[i] = find_place(event, PyTuple_GetItem(kwnames, i), hint);
        if (places[i] < 0) {
            return false;
        }
        hint = (uint32_t)places[i] + 1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        event->places[i] = (uint8_t)places[i];
    }
    PyObject *before = event->kwnames;
    Py_INCREF(kwnames);
    event->kwnames = kwnames;
    event->place_count = count;
    Py_XDECREF(before);
    return true;
}

static int take_keywords(struct call *call, PyObject *const *values, PyObject *kwnames,
                         uint32_t hint) {
    struct python_event *event = call->event;
    if (kwnames == event->kwnames || learn_names(event, kwnames, hint)) {
        /* A copy: taking a value may run any code, and that may log an event of this type. */
        const Py_ssize_t count = event->place_count;
        uint8_t places[PYTHON_MAX_PLACES];
        memcpy(places, event->places, sizeof places);
        for (Py_ssize_t i = 0; i < count; i++) {
            if (take_place(call, places[i], values[i]) < 0) {
                return -1;
            }
        }
        return 0;
    }
    Py_ssize_t count = PyTuple_Size(kwnames);
    for (Py_ssize_t i = 0; i < count; i++) {
        PyObject *name = PyTuple_GetItem(kwnames, i);
        int place = find_place(event, name, hint);
        if ((place < 0 ? add_attribute(call, name, values[i])
                       : take_place(call, (uint32_t)place, values[i])) < 0) {
            return -1;
        }
        hint = place < 0 ? hint : (uint32_t)place + 1;
    }
    return 0;
}

static int take_arguments(struct call *call, PyObject *const *args, Py_ssize_t positional,
                          PyObject *kwnames) {
    if (positional > (Py_ssize_t)call->event->type->field_count) {
        PyErr_Format(PyExc_TypeError, "%s has %u fields, but %zd were given",
                     call->event->type->name, call->event->type->field_count, positional);
        return -1;
    }
    for (Py_ssize_t i = 0; i < positional; i++) {
        if (take_field(call, (uint32_t)i, args[i]) < 0) {
            return -1;
        }
    }
    return kwnames == NULL ? 0
                           : take_keywords(call, args + positional, kwnames, (uint32_t)positional);
}

/* The job of the context, unless the call names one. */
static int take_job(struct call *call) {
    if (call->out.job_id.data != NULL || python_current_job == NULL) {
        return 0;
    }
    call->job = PyObject_CallNoArgs(python_current_job);
    if (call->job == NULL) {
        return -1;
    }
    return call->job == Py_None ? 0 : python_string(call->job, &call->keep, &call->out.job_id);
}

/* ---- The call -------------------------------------------------------------------------------- */

static enum alog_status log_taken(const struct python_handle *handle, struct call *call,
                                  struct alog_error *error) {
    call->out.values = call->values;
    call->out.attributes = call->attributes;
    struct alog_writer *writer = handle->writer;
    const struct alog_event_type *type = call->event->type;
    type = type->id != 0 ? type : NULL; /* not one of the catalogue's: the writer knows the name */
    if (!handle->may_wait) {
        return alog_log_event_of_type(writer, type, &call->out, error);
    }
    enum alog_status status;
    (*handle->active)++;
    Py_BEGIN_ALLOW_THREADS status = alog_log_event_of_type(writer, type, &call->out, error);
    Py_END_ALLOW_THREADS(*handle->active)--;
    return status;
}

enum alog_status python_log(const struct python_handle *handle, struct python_event *event,
                            struct alog_string name, PyObject *const *args, Py_ssize_t positional,
                            PyObject *kwnames, struct alog_error *error) {
    struct call call;
    call.event = event;
    call.keep.more = NULL;
    call.keep.count = 0;
    call.keep.capacity = 0;
    call.out = (struct alog_event){.name = name};
    call.attributes = call.few;
    call.attribute_capacity = FEW_ATTRIBUTES;
    call.job = NULL;
    enum alog_status status = ALOG_INVALID;
    if (take_arguments(&call, args, positional, kwnames) == 0 && take_job(&call) == 0) {
        status = log_taken(handle, &call, error);
    }
    python_keep_release(&call.keep);
    if (call.attributes != call.few) {
        free(call.attributes);
    }
    Py_XDECREF(call.job);
    return status;
}

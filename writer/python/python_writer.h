/*
 * The extension module agentlog._writer: the writer for CPython, in the stable ABI (3.10 and
 * later).
 *
 * module.c makes the module, writer_type.c the type Writer, event_call.c turns a call's arguments
 * into an event, python_value.c one object into a value, event_names.c keeps the catalogue's names
 * as Python strings.
 *
 * Threads: everything here runs under the interpreter's lock, which is given up where a call waits
 * (open, flush, close, and a log call that may wait for room).
 */
#ifndef AGENTLOG_WRITER_PYTHON_PYTHON_WRITER_H
#define AGENTLOG_WRITER_PYTHON_PYTHON_WRITER_H

#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <agentlog/writer.h>

/* A function's address in a slot, which is an object pointer. */
#define PYTHON_SLOT(function) ((void *)(uintptr_t)(function))

/* ---- event_names.c --------------------------------------------------------------------------- */

/* What every event may be given by keyword beside its fields. */
enum python_common {
    PYTHON_JOB_ID,
    PYTHON_TIMESTAMP,
    PYTHON_EVENT_ID,
    PYTHON_ENVIRONMENT,
    PYTHON_ATTRIBUTES,
    PYTHON_COMMON_COUNT
};

/* More keywords than this are looked up in every call. */
#define PYTHON_MAX_PLACES 24

/*
 * An event type with its fields' names as interned strings, so that most comparisons are those of
 * addresses. A call's names come as a tuple that belongs to the place in the program, the same in
 * every call from there: what they mean is kept for the latest of them.
 */
struct python_event {
    const struct alog_event_type *type;
    PyObject *field_names[ALOG_MAX_FIELDS];
    PyObject *kwnames; /* NULL: none yet; a reference, so that no other tuple has its address */
    Py_ssize_t place_count;
    uint8_t places[PYTHON_MAX_PLACES]; /* a field, or ALOG_MAX_FIELDS + enum python_common */
};

extern PyObject *python_common_names[PYTHON_COMMON_COUNT];

/* Fill in the names of the catalogue's types and the common ones; -1 with an exception set. */
int python_events_init(void);

/* The catalogue's type of that id (> 0), or NULL. */
struct python_event *python_event_of_id(uint32_t id);

/* Names for any type; release with python_event_clear. -1 with an exception set. */
int python_event_fill(struct python_event *event, const struct alog_event_type *type);
void python_event_clear(struct python_event *event);

/* ---- python_value.c -------------------------------------------------------------------------- */

/* Objects that must live until the event is logged. */
struct python_keep {
    PyObject *fixed[8];
    PyObject **more;
    size_t count, capacity;
};
void python_keep_release(struct python_keep *keep);

/* Takes the reference over, also on failure: -1 with an exception set. */
int python_keep_object(struct python_keep *keep, PyObject *object);

/* The bytes of a str (its UTF-8), of bytes, or of str(object). -1 with an exception set. */
int python_string(PyObject *object, struct python_keep *keep, struct alog_string *ret_string);

/* What `object` means in a field of that kind; None is absent. -1 with an exception set. */
int python_field_value(PyObject *object, enum alog_field_kind kind, struct python_keep *keep,
                       struct alog_value *ret_value);

/* What `object` means as an attribute; None is null. -1 with an exception set. */
int python_attribute_value(PyObject *object, struct python_keep *keep,
                           struct alog_value *ret_value);

/* Nanoseconds since 1970 of an int, or of a datetime (naive = local time). -1 and an exception. */
int python_timestamp(PyObject *object, int64_t *ret_ns);

/* Functions of the package that this needs, looked up once; -1 with an exception set. */
int python_values_init(void);

/* ---- event_call.c ---------------------------------------------------------------------------- */

/* The writer, as one finds it when the arguments are taken: taking them may run any Python code. */
struct python_handle {
    struct alog_writer *writer; /* NULL: not open, or closed */
    int *active;                /* calls that have given up the interpreter's lock */
    bool may_wait;              /* a log call may wait for room */
};

/*
 * Log one event: `args` are `positional` values in the order of the type's fields, then those that
 * `kwnames` (a tuple, or NULL) names: fields, the common names, and else attributes. `name` is the
 * event's. The job is the context's unless one is given. Returns the log call's status;
 * ALOG_INVALID with a Python exception set when an argument cannot be taken.
 */
enum alog_status python_log(const struct python_handle *handle, struct python_event *event,
                            struct alog_string name, PyObject *const *args, Py_ssize_t positional,
                            PyObject *kwnames, struct alog_error *error);

/* The method that gives the context's job id, a str or None; NULL until module.c has set it. */
extern PyObject *python_current_job;

/* ---- writer_type.c --------------------------------------------------------------------------- */

/* The exception agentlog.Error; set by module.c. */
extern PyObject *python_error;

/* Make the type; NULL with an exception set. */
PyObject *python_writer_type(PyObject *module);

#endif

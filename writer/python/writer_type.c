/* The type Writer; see python_writer.h. */
#include <stdlib.h>
#include <time.h>

#include "python_writer.h"

PyObject *python_error;

/* A user-defined type: its names, and what they belong to. */
struct user_event {
    struct python_event event;
    struct alog_event_type type;
    struct alog_field *fields;
    char *texts; /* the fields' names */
};

struct python_writer {
    PyObject_HEAD struct python_handle handle;
    PyObject *user_events; /* name -> capsule of struct user_event */
    uint64_t refused;      /* log calls whose arguments could not be taken */
    int active;            /* of the handle */
    bool strict;
    char last_error[ALOG_ERROR_MESSAGE_BYTES];
};

/* ---- Errors ---------------------------------------------------------------------------------- */

/* A message, which may quote bytes of any kind, or be cut within a character. */
static PyObject *message_object(const char *message) {
    return PyUnicode_DecodeUTF8(message, (Py_ssize_t)strlen(message), "replace");
}

static PyObject *raise_status(enum alog_status status, const char *message) {
    PyObject *failure = PyObject_CallFunction(python_error, "N", message_object(message));
    PyObject *name = PyUnicode_FromString(alog_status_name(status));
    if (failure != NULL && name != NULL && PyObject_SetAttrString(failure, "status", name) == 0) {
        PyErr_SetObject(python_error, failure);
    }
    Py_XDECREF(failure);
    Py_XDECREF(name);
    return NULL;
}

static void note_error(struct python_writer *self, const char *message) {
    snprintf(self->last_error, sizeof self->last_error, "%s", message);
}

/* The exception's text becomes last_error; the exception is gone. */
static void note_exception(struct python_writer *self) {
    PyObject *type, *value, *traceback;
    PyErr_Fetch(&type, &value, &traceback);
    PyObject *text = value != NULL ? PyObject_Str(value) : NULL;
    const char *message = text != NULL ? PyUnicode_AsUTF8AndSize(text, NULL) : NULL;
    note_error(self, message != NULL ? message : "an argument could not be taken");
    Py_XDECREF(text);
    Py_XDECREF(type);
    Py_XDECREF(value);
    Py_XDECREF(traceback);
    PyErr_Clear();
}

/* True, False, or with `strict` an exception. */
static PyObject *log_result(struct python_writer *self, enum alog_status status,
                            const struct alog_error *error) {
    if (status == ALOG_OK) {
        Py_RETURN_TRUE;
    }
    bool invalid = status == ALOG_INVALID || status == ALOG_LIMIT;
    self->refused += invalid;
    if (PyErr_Occurred()) {
        if (self->strict) {
            return NULL;
        }
        note_exception(self);
        Py_RETURN_FALSE;
    }
    const char *message = invalid || status == ALOG_IO ? error->message
                          : status == ALOG_DROPPED     ? "the event was dropped: the ring is full"
                          : status == ALOG_TOO_BIG     ? "the event is too big"
                                                       : "the writer is closed";
    note_error(self, message);
    if (self->strict) {
        return raise_status(status, message);
    }
    Py_RETURN_FALSE;
}

/* ---- Open and close -------------------------------------------------------------------------- */

static int parse_sync(const char *text, enum alog_sync *ret_sync) {
    static const char *const names[] = {"none", "interval", "block"};
    for (int i = 0; i < 3 && text != NULL; i++) {
        if (strcmp(text, names[i]) == 0) {
            *ret_sync = (enum alog_sync)(ALOG_SYNC_NONE + i);
            return 0;
        }
    }
    if (text != NULL) {
        PyErr_Format(PyExc_ValueError, "sync is \"none\", \"interval\" or \"block\", not \"%s\"",
                     text);
        return -1;
    }
    return 0;
}

static int open_handle(struct python_writer *self, const char *log_dir,
                       const struct alog_writer_options *options) {
    struct alog_error error = {0};
    struct alog_writer *handle = NULL;
    enum alog_status status;
    Py_BEGIN_ALLOW_THREADS status = alog_writer_open(log_dir, options, &handle, &error);
    Py_END_ALLOW_THREADS if (status != ALOG_OK) {
        raise_status(status, error.message);
        return -1;
    }
    self->handle = (struct python_handle){
        .writer = handle, .active = &self->active, .may_wait = options->full_wait_ns > 0};
    return 0;
}

static int writer_init(PyObject *object, PyObject *args, PyObject *kwargs) {
    struct python_writer *self = (struct python_writer *)object;
    static char *names[] = {"log_dir",
                            "environment",
                            "strict",
                            "ring_bytes",
                            "max_event_bytes",
                            "block_bytes",
                            "segment_bytes",
                            "segment_age_ms",
                            "flush_interval_ms",
                            "sync_interval_ms",
                            "full_wait_ns",
                            "stats_interval_ms",
                            "compression_level",
                            "sync",
                            "ring_dir",
                            "no_recovery",
                            "drain_threads",
                            NULL};
    PyObject *log_dir = NULL;
    PyObject *ring_dir = NULL;
    const char *environment = NULL;
    Py_ssize_t environment_len = 0;
    const char *sync = NULL;
    int strict = 0;
    int no_recovery = 0;
    unsigned drain_threads = 0;
    unsigned long long numbers[9] = {0};
    struct alog_writer_options options = ALOG_WRITER_OPTIONS_INIT;
    if (self->handle.writer != NULL) {
        PyErr_SetString(PyExc_ValueError, "this writer is open already");
        return -1;
    }
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "O&|$z#pKKKKKKKKKizO&pI:Writer", names, PyUnicode_FSConverter, &log_dir,
            &environment, &environment_len, &strict, &numbers[0], &numbers[1], &numbers[2],
            &numbers[3], &numbers[4], &numbers[5], &numbers[6], &numbers[7], &numbers[8],
            &options.compression_level, &sync, PyUnicode_FSConverter, &ring_dir, &no_recovery,
            &drain_threads)) {
        Py_XDECREF(log_dir);
        Py_XDECREF(ring_dir);
        return -1;
    }
    options.environment = (struct alog_string){environment, (size_t)environment_len};
    options.ring_bytes = numbers[0];
    options.max_event_bytes = numbers[1];
    options.block_bytes = numbers[2];
    options.segment_bytes = numbers[3];
    options.segment_age_ms = numbers[4];
    options.flush_interval_ms = numbers[5];
    options.sync_interval_ms = numbers[6];
    options.full_wait_ns = numbers[7];
    options.stats_interval_ms = numbers[8];
    options.no_recovery = no_recovery != 0;
    options.drain_threads = drain_threads;
    options.ring_dir = ring_dir != NULL ? PyBytes_AsString(ring_dir) : NULL;
    self->strict = strict != 0;
    int result = parse_sync(sync, &options.sync);
    if (result == 0 && self->user_events == NULL) {
        self->user_events = PyDict_New();
        result = self->user_events != NULL ? 0 : -1;
    }
    if (result == 0) {
        result = open_handle(self, PyBytes_AsString(log_dir), &options);
    }
    Py_XDECREF(log_dir);
    Py_XDECREF(ring_dir);
    return result;
}

/* From here on log calls find it closed; those that wait without the interpreter's lock end first.
 */
static enum alog_status close_handle(struct python_writer *self, struct alog_error *error) {
    struct alog_writer *handle = self->handle.writer;
    self->handle.writer = NULL;
    enum alog_status status = ALOG_OK;
    if (handle == NULL) {
        return ALOG_OK;
    }
    while (self->active > 0) {
        struct timespec nap = {0, 1000000};
        Py_BEGIN_ALLOW_THREADS nanosleep(&nap, NULL);
        Py_END_ALLOW_THREADS
    }
    Py_BEGIN_ALLOW_THREADS status = alog_writer_close(handle, error);
    Py_END_ALLOW_THREADS return status;
}

static PyObject *writer_close(PyObject *object, PyObject *unused) {
    struct python_writer *self = (struct python_writer *)object;
    (void)unused;
    struct alog_error error = {0};
    enum alog_status status = close_handle(self, &error);
    if (status != ALOG_OK) {
        note_error(self, error.message);
        return raise_status(status, error.message);
    }
    Py_RETURN_NONE;
}

static void writer_dealloc(PyObject *object) {
    struct python_writer *self = (struct python_writer *)object;
    PyTypeObject *type = Py_TYPE(object);
    PyObject *exception, *value, *traceback;
    PyErr_Fetch(&exception, &value, &traceback);
    close_handle(self, NULL);
    Py_XDECREF(self->user_events);
    PyErr_Restore(exception, value, traceback);
    freefunc release = (freefunc)(uintptr_t)PyType_GetSlot(type, Py_tp_free);
    release(object);
    Py_DECREF(type);
}

/* ---- Flush, stats ---------------------------------------------------------------------------- */

static PyObject *writer_flush(PyObject *object, PyObject *args, PyObject *kwargs) {
    struct python_writer *self = (struct python_writer *)object;
    static char *names[] = {"timeout", NULL};
    double timeout = 10.0;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "|d:flush", names, &timeout)) {
        return NULL;
    }
    if (!(timeout >= 0)) {
        PyErr_SetString(PyExc_ValueError, "timeout is in seconds, 0 or more");
        return NULL;
    }
    uint64_t timeout_ms = timeout < 1e15 ? (uint64_t)(timeout * 1000) : UINT64_MAX;
    struct alog_error error = {0};
    struct alog_writer *handle = self->handle.writer;
    enum alog_status status;
    self->active++;
    Py_BEGIN_ALLOW_THREADS status = alog_writer_flush(handle, timeout_ms, &error);
    Py_END_ALLOW_THREADS self->active--;
    if (status == ALOG_OK) {
        Py_RETURN_TRUE;
    }
    const char *message = handle == NULL ? "the writer is closed" : error.message;
    note_error(self, message);
    if (self->strict) {
        return raise_status(status, message);
    }
    Py_RETURN_FALSE;
}

static int put_item(PyObject *dict, const char *name, PyObject *value) {
    int result = value != NULL ? PyDict_SetItemString(dict, name, value) : -1;
    Py_XDECREF(value);
    return result;
}

static PyObject *writer_stats(PyObject *object, PyObject *unused) {
    struct python_writer *self = (struct python_writer *)object;
    (void)unused;
    struct alog_writer_stats stats = {.struct_bytes = sizeof stats};
    enum alog_status status = alog_writer_get_stats(self->handle.writer, &stats);
    if (status != ALOG_OK) {
        return raise_status(status, "the writer is closed");
    }
    const struct {
        const char *name;
        uint64_t value;
    } numbers[] = {
        {"emitted", stats.emitted},
        {"stored", stats.stored},
        {"dropped", stats.dropped},
        {"in_flight", stats.in_flight},
        {"refused", self->refused},
        {"raw_bytes", stats.raw_bytes},
        {"segment_bytes", stats.segment_bytes},
        {"segments", stats.segments},
        {"rings", stats.rings},
        {"ring_bytes", stats.ring_bytes},
        {"io_errors", stats.io_errors},
        {"writer_id", stats.writer_id},
        {"recovered", stats.recovered},
        {"ring_fallbacks", stats.ring_fallbacks},
    };
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < sizeof numbers / sizeof numbers[0]; i++) {
        PyObject *number = PyLong_FromUnsignedLongLong(numbers[i].value);
        if (put_item(dict, numbers[i].name, number) < 0) {
            Py_CLEAR(dict);
        }
    }
    if (dict != NULL && (put_item(dict, "last_errno", PyLong_FromLong(stats.last_errno)) < 0 ||
                         put_item(dict, "last_error", message_object(stats.last_error)) < 0)) {
        Py_CLEAR(dict);
    }
    return dict;
}

/* ---- User-defined events --------------------------------------------------------------------- */

static void user_event_free(struct user_event *user) {
    python_event_clear(&user->event);
    free(user->fields);
    free(user->texts);
    free(user);
}

static void user_event_destroy(PyObject *capsule) {
    user_event_free(PyCapsule_GetPointer(capsule, "agentlog.user_event"));
}

/* "name" (text that repeats), "text", "json", "bool", "int", "float"; 0 for anything else. */
static enum alog_field_kind kind_of(PyObject *kind) {
    static const struct {
        const char *name;
        enum alog_field_kind kind;
    } kinds[] = {{"name", ALOG_FIELD_NAME}, {"text", ALOG_FIELD_TEXT}, {"json", ALOG_FIELD_JSON},
                 {"bool", ALOG_FIELD_BOOL}, {"int", ALOG_FIELD_I64},   {"float", ALOG_FIELD_F64}};
    const char *text = PyUnicode_Check(kind) ? PyUnicode_AsUTF8AndSize(kind, NULL) : NULL;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (text != NULL && strcmp(text, kinds[i].name) == 0) {
            return kinds[i].kind;
        }
    }
    return (enum alog_field_kind)0;
}

/* One of `fields`: (name, kind, required). */
static int fill_field(PyObject *item, struct alog_field *ret_field) {
    const char *name;
    PyObject *kind;
    int required;
    if (!PyArg_ParseTuple(item, "sOp", &name, &kind, &required)) {
        return -1;
    }
    *ret_field =
        (struct alog_field){.name = name, .kind = kind_of(kind), .required = required != 0};
    if ((int)ret_field->kind == 0) {
        PyErr_Format(PyExc_ValueError,
                     "field %s: a kind is one of name, text, json, bool, int, float", name);
        return -1;
    }
    return 0;
}

/* Copies of the names, since the caller's strings may go. */
static int own_names(struct user_event *user, uint32_t count) {
    size_t bytes = 1;
    for (uint32_t i = 0; i < count; i++) {
        bytes += strlen(user->fields[i].name) + 1;
    }
    user->texts = malloc(bytes);
    if (user->texts == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    char *at = user->texts;
    for (uint32_t i = 0; i < count; i++) {
        size_t len = strlen(user->fields[i].name) + 1;
        memcpy(at, user->fields[i].name, len);
        user->fields[i].name = at;
        at += len;
    }
    return 0;
}

static int fill_user_event(struct user_event *user, PyObject *name, PyObject *fields) {
    Py_ssize_t count = PyTuple_Size(fields);
    if (count < 0) {
        return -1;
    }
    if (count > (Py_ssize_t)ALOG_MAX_FIELDS) {
        PyErr_Format(PyExc_ValueError, "an event has at most %u fields", ALOG_MAX_FIELDS);
        return -1;
    }
    user->fields = calloc((size_t)count + 1, sizeof *user->fields);
    if (user->fields == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    for (Py_ssize_t i = 0; i < count; i++) {
        if (fill_field(PyTuple_GetItem(fields, i), &user->fields[i]) < 0) {
            return -1;
        }
    }
    Py_ssize_t len;
    user->type.name = PyUnicode_AsUTF8AndSize(name, &len); /* the dictionary's key keeps it */
    user->type.name_len = (size_t)len;
    user->type.fields = user->fields;
    user->type.field_count = (uint32_t)count;
    if (user->type.name == NULL || own_names(user, (uint32_t)count) < 0) {
        return -1;
    }
    return python_event_fill(&user->event, &user->type);
}

static PyObject *writer_define(PyObject *object, PyObject *args) {
    struct python_writer *self = (struct python_writer *)object;
    PyObject *name;
    PyObject *fields;
    if (!PyArg_ParseTuple(args, "UO!:define", &name, &PyTuple_Type, &fields)) {
        return NULL;
    }
    struct user_event *user = calloc(1, sizeof *user);
    if (user == NULL) {
        return PyErr_NoMemory();
    }
    if (fill_user_event(user, name, fields) < 0) {
        user_event_free(user);
        return NULL;
    }
    struct alog_error error = {0};
    uint32_t id;
    struct alog_string text = {user->type.name, user->type.name_len};
    enum alog_status status = alog_event_define(self->handle.writer, text, user->fields,
                                                user->type.field_count, &id, &error);
    if (status != ALOG_OK) {
        user_event_free(user);
        return raise_status(status,
                            self->handle.writer == NULL ? "the writer is closed" : error.message);
    }
    PyObject *capsule = PyCapsule_New(user, "agentlog.user_event", user_event_destroy);
    if (capsule == NULL) {
        user_event_free(user);
        return NULL;
    }
    int result = PyDict_SetItem(self->user_events, name, capsule);
    Py_DECREF(capsule);
    if (result < 0) {
        return NULL;
    }
    Py_RETURN_NONE;
}

/* ---- Logging --------------------------------------------------------------------------------- */

static PyObject *log_event(struct python_writer *self, struct python_event *event,
                           struct alog_string name, PyObject *const *args, Py_ssize_t positional,
                           PyObject *kwnames) {
    struct alog_error error;
    error.message[0] = '\0';
    enum alog_status status =
        python_log(&self->handle, event, name, args, positional, kwnames, &error);
    return log_result(self, status, &error);
}

/* An event of any type, by name: the catalogue's, one that was defined, or else only attributes. */
static PyObject *writer_log(PyObject *object, PyObject *const *args, Py_ssize_t positional,
                            PyObject *kwnames) {
    struct python_writer *self = (struct python_writer *)object;
    static const struct alog_event_type unknown_type = {.name = "event", .name_len = 5};
    static struct python_event unknown = {.type = &unknown_type};
    if (positional != 1 || !PyUnicode_Check(args[0])) {
        PyErr_SetString(PyExc_TypeError, "log takes the event's name, and its fields by keyword");
        return NULL;
    }
    Py_ssize_t len;
    const char *text = PyUnicode_AsUTF8AndSize(args[0], &len);
    if (text == NULL) {
        return log_result(self, ALOG_INVALID, NULL);
    }
    struct alog_string name = {text, (size_t)len};
    struct python_event *event = &unknown;
    PyObject *capsule =
        self->user_events != NULL ? PyDict_GetItemWithError(self->user_events, args[0]) : NULL;
    if (capsule != NULL) {
        event = &((struct user_event *)PyCapsule_GetPointer(capsule, "agentlog.user_event"))->event;
    } else {
        const struct alog_event_type *type = alog_catalogue_find(name);
        event = type != NULL ? python_event_of_id(type->id) : &unknown;
    }
    Py_XINCREF(capsule); /* an argument's own code might define the event anew */
    PyObject *result = log_event(self, event, name, args + 1, 0, kwnames);
    Py_XDECREF(capsule);
    return result;
}

/* A method for each type of the catalogue. */
#define ALOG_WITHOUT_WRITER_EVENTS
#define ALOG_EVENT(id, event, doc)                                                                 \
    static PyObject *log_##event(PyObject *object, PyObject *const *args, Py_ssize_t positional,   \
                                 PyObject *kwnames) {                                              \
        return log_event((struct python_writer *)object, python_event_of_id(id),                   \
                         (struct alog_string){#event, sizeof #event - 1}, args, positional,        \
                         kwnames);                                                                 \
    }
#include "format/catalogue.def"

/* ---- The type -------------------------------------------------------------------------------- */

static PyObject *get_closed(PyObject *object, void *unused) {
    (void)unused;
    return PyBool_FromLong(((struct python_writer *)object)->handle.writer == NULL);
}

static PyObject *get_refused(PyObject *object, void *unused) {
    (void)unused;
    return PyLong_FromUnsignedLongLong(((struct python_writer *)object)->refused);
}

static PyObject *get_last_error(PyObject *object, void *unused) {
    (void)unused;
    return message_object(((struct python_writer *)object)->last_error);
}

static PyGetSetDef properties[] = {
    {"closed", get_closed, NULL, "true once it is closed", NULL},
    {"refused", get_refused, NULL, "log calls whose arguments could not be taken", NULL},
    {"last_error", get_last_error, NULL, "why the latest of them, or of the losses, failed", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

#define METHOD(function) ((PyCFunction)(void (*)(void))(function))

/* The texts that inspect.signature reads. */
#define REQUIRED_ARGUMENT(field)  #field ", "
#define OPTIONAL_ARGUMENT(field)  #field "=None, "
#define ARGUMENT(field, presence) presence##_ARGUMENT(field)

static PyMethodDef methods[] = {
    {"flush", METHOD(writer_flush), METH_VARARGS | METH_KEYWORDS,
     "flush($self, /, timeout=10.0)\n--\n\nWait until everything logged before is in the file. "
     "False: "
     "not within `timeout` seconds, or the disk refuses."},
    {"stats", writer_stats, METH_NOARGS,
     "stats($self, /)\n--\n\nCounters since the writer was opened: emitted = stored + dropped + "
     "in_flight."},
    {"close", writer_close, METH_NOARGS,
     "close($self, /)\n--\n\nWrite everything, seal the segment, end. Raises Error if something "
     "could not be stored."},
    {"_define", writer_define, METH_VARARGS,
     "_define($self, name, fields, /)\n--\n\nDefine an event type; fields are (name, kind, "
     "required)."},
    {"log", METHOD(writer_log), METH_FASTCALL | METH_KEYWORDS,
     "log($self, event, /, *, job_id=None, event_id=None, environment=None, timestamp=None, "
     "attributes=None, **fields)\n--\n\nLog an event of any type by its name."},
#define ALOG_EVENT(id, event, doc)                                                                 \
    {                                                                                              \
#event, METHOD(log_##event), METH_FASTCALL | METH_KEYWORDS, #event "($self, /, *, "
#define ALOG_NAME(event, field, presence, otel, doc)                     ARGUMENT(field, presence)
#define ALOG_TEXT(event, field, presence, otel, doc)                     ARGUMENT(field, presence)
#define ALOG_JSON(event, field, presence, otel, doc)                     ARGUMENT(field, presence)
#define ALOG_BOOLEAN(event, field, presence, otel, doc)                  ARGUMENT(field, presence)
#define ALOG_INTEGER(event, field, presence, unit, low, high, otel, doc) ARGUMENT(field, presence)
#define ALOG_REAL(event, field, presence, unit, low, high, otel, doc)    ARGUMENT(field, presence)
#define ALOG_ENUMERATED(event, field, presence, enumeration, otel, doc)  ARGUMENT(field, presence)
#define ALOG_EVENT_END(event)                                                                      \
    "job_id=None, event_id=None, environment=None, timestamp=None, attributes=None, "              \
    "**more)\n--\n\nLog " #event "; True if it is stored."                                         \
    }                                                                                              \
    ,
#include "format/catalogue.def"
    {NULL, NULL, 0, NULL},
};

static PyType_Slot slots[] = {
    {Py_tp_doc, "Writer(log_dir, *, environment=None, strict=False, …)\n--\n\nA log writer; any "
                "thread may log. See agentlog/writer.h for the options."},
    {Py_tp_init, PYTHON_SLOT(writer_init)},
    {Py_tp_dealloc, PYTHON_SLOT(writer_dealloc)},
    {Py_tp_methods, methods},
    {Py_tp_getset, properties},
    {0, NULL},
};

static PyType_Spec spec = {
    .name = "agentlog._writer.Writer",
    .basicsize = sizeof(struct python_writer),
    .flags = Py_TPFLAGS_DEFAULT | Py_TPFLAGS_BASETYPE,
    .slots = slots,
};

PyObject *python_writer_type(PyObject *module) {
    return PyType_FromModuleAndSpec(module, &spec, NULL);
}

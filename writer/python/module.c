/* The module agentlog._writer; see python_writer.h. */
#include "python_writer.h"

/* The package says how to get at the context's job: the stable ABI has no contextvars. */
static PyObject *set_current_job(PyObject *module, PyObject *getter) {
    (void)module;
    PyObject *before = python_current_job;
    Py_INCREF(getter);
    python_current_job = getter;
    Py_XDECREF(before);
    Py_RETURN_NONE;
}

/* [(event, doc, [(field, kind, required, unit, doc)…])…]: for stubs and documentation. */
static PyObject *catalogue(PyObject *module, PyObject *unused) {
    (void)module;
    (void)unused;
    static const char *const kinds[] = {"", "name", "text", "json", "bool", "int", "float", "enum"};
    size_t count;
    const struct alog_event_type *types = alog_catalogue(&count);
    PyObject *events = PyList_New(0);
    for (size_t i = 0; events != NULL && i < count; i++) {
        PyObject *fields = PyList_New(0);
        for (uint32_t f = 0; fields != NULL && f < types[i].field_count; f++) {
            const struct alog_field *field = &types[i].fields[f];
            PyObject *item =
                Py_BuildValue("(ssOss)", field->name, kinds[field->kind],
                              field->required ? Py_True : Py_False, field->unit, field->doc);
            if (item == NULL || PyList_Append(fields, item) < 0) {
                Py_CLEAR(fields);
            }
            Py_XDECREF(item);
        }
        PyObject *event =
            fields != NULL ? Py_BuildValue("(ssN)", types[i].name, types[i].doc, fields) : NULL;
        if (event == NULL || PyList_Append(events, event) < 0) {
            Py_CLEAR(events);
        }
        Py_XDECREF(event);
    }
    return events;
}

static PyMethodDef functions[] = {
    {"set_current_job", set_current_job, METH_O, "Where log calls look for the job's id."},
    {"catalogue", catalogue, METH_NOARGS, "The event catalogue."},
    {NULL, NULL, 0, NULL},
};

static int fill(PyObject *module) {
    if (python_events_init() < 0 || python_values_init() < 0) {
        return -1;
    }
    python_error = PyErr_NewExceptionWithDoc(
        "agentlog.Error", "What the log could not do; `status` is the name of its status.", NULL,
        NULL);
    if (python_error == NULL || PyModule_AddObjectRef(module, "Error", python_error) < 0) {
        return -1;
    }
    PyObject *type = python_writer_type(module);
    if (type == NULL || PyModule_AddObjectRef(module, "Writer", type) < 0) {
        return -1;
    }
    Py_DECREF(type);
    return PyModule_AddStringConstant(module, "version", ALOG_VERSION_TEXT);
}

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "agentlog._writer",
    .m_doc = "The writer; use it through the package agentlog.",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit__writer(void);

PyMODINIT_FUNC PyInit__writer(void) {
    PyObject *module = PyModule_Create(&definition);
    if (module != NULL && fill(module) < 0) {
        Py_CLEAR(module);
    }
    return module;
}

/* Python objects to values; see python_writer.h. */
#include <stdlib.h>

#include "python_writer.h"

/* Functions of other modules, looked up once. */
static PyObject *json_dumps;  /* json.dumps with the arguments that make it never fail on a type */
static PyObject *datetime_ns; /* of agentlog._support */

int python_values_init(void) {
    PyObject *support = PyImport_ImportModule("agentlog._support");
    if (support == NULL) {
        return -1;
    }
    json_dumps = PyObject_GetAttrString(support, "to_json");
    datetime_ns = PyObject_GetAttrString(support, "datetime_ns");
    Py_DECREF(support);
    return json_dumps != NULL && datetime_ns != NULL ? 0 : -1;
}

int python_keep_object(struct python_keep *keep, PyObject *object) {
    size_t fixed = sizeof keep->fixed / sizeof keep->fixed[0];
    if (keep->count < fixed) {
        keep->fixed[keep->count++] = object;
        return 0;
    }
    size_t at = keep->count - fixed;
    if (at == keep->capacity) {
        size_t capacity = at == 0 ? 16 : 2 * at;
        PyObject **grown = realloc(keep->more, capacity * sizeof *grown);
        if (grown == NULL) {
            Py_DECREF(object);
            PyErr_NoMemory();
            return -1;
        }
        keep->more = grown;
        keep->capacity = capacity;
    }
    keep->more[at] = object;
    keep->count++;
    return 0;
}

void python_keep_release(struct python_keep *keep) {
    size_t fixed = sizeof keep->fixed / sizeof keep->fixed[0];
    for (size_t i = 0; i < keep->count; i++) {
        Py_DECREF(i < fixed ? keep->fixed[i] : keep->more[i - fixed]);
    }
    free(keep->more);
}

static int bytes_string(PyObject *bytes, struct alog_string *ret_string) {
    char *data;
    Py_ssize_t len;
    if (PyBytes_AsStringAndSize(bytes, &data, &len) < 0) {
        return -1;
    }
    *ret_string = (struct alog_string){data, (size_t)len};
    return 0;
}

static int text_string(PyObject *text, struct python_keep *keep, struct alog_string *ret_string) {
    Py_ssize_t len;
    const char *data = PyUnicode_AsUTF8AndSize(text, &len);
    if (data != NULL) {
        *ret_string = (struct alog_string){data, (size_t)len};
        return 0;
    }
    /* A lone surrogate, which UTF-8 does not have: kept as the bytes that it would be. */
    PyErr_Clear();
    PyObject *bytes = PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass");
    if (bytes == NULL || python_keep_object(keep, bytes) < 0) {
        return -1;
    }
    return bytes_string(bytes, ret_string);
}

int python_string(PyObject *object, struct python_keep *keep, struct alog_string *ret_string) {
    if (PyUnicode_Check(object)) {
        return text_string(object, keep, ret_string);
    }
    if (PyBytes_Check(object)) {
        return bytes_string(object, ret_string);
    }
    PyObject *text = PyObject_Str(object);
    if (text == NULL || python_keep_object(keep, text) < 0) {
        return -1;
    }
    return text_string(text, keep, ret_string);
}

static int string_value(PyObject *object, struct python_keep *keep, struct alog_value *ret_value) {
    ret_value->kind = ALOG_VALUE_STRING;
    return python_string(object, keep, &ret_value->string);
}

static int json_value(PyObject *object, struct python_keep *keep, struct alog_value *ret_value) {
    PyObject *text = PyObject_CallFunctionObjArgs(json_dumps, object, NULL);
    if (text == NULL || python_keep_object(keep, text) < 0) {
        return -1;
    }
    ret_value->kind = ALOG_VALUE_JSON;
    return text_string(text, keep, &ret_value->string);
}

static int integer_value(PyObject *integer, struct python_keep *keep,
                         struct alog_value *ret_value) {
    int overflow;
    long long value = PyLong_AsLongLongAndOverflow(integer, &overflow);
    if (value == -1 && overflow == 0 && PyErr_Occurred()) {
        return -1;
    }
    if (overflow == 0) {
        *ret_value = (struct alog_value){.kind = ALOG_VALUE_I64, .i64 = value};
        return 0;
    }
    unsigned long long large = overflow > 0 ? PyLong_AsUnsignedLongLong(integer) : 0;
    if (overflow > 0 && !PyErr_Occurred()) {
        *ret_value = (struct alog_value){.kind = ALOG_VALUE_U64, .u64 = large};
        return 0;
    }
    /* No number of the format holds it: its digits are kept. */
    PyErr_Clear();
    return string_value(integer, keep, ret_value);
}

static int real_value(PyObject *object, struct alog_value *ret_value) {
    double value = PyFloat_AsDouble(object);
    if (value == -1.0 && PyErr_Occurred()) {
        return -1;
    }
    *ret_value = (struct alog_value){.kind = ALOG_VALUE_F64, .f64 = value};
    return 0;
}

/* Integers of other libraries (numpy) come by __index__, other numbers by __float__. */
static int number_value(PyObject *object, struct python_keep *keep, struct alog_value *ret_value) {
    if (PyFloat_Check(object)) {
        return real_value(object, ret_value);
    }
    if (PyLong_Check(object)) {
        return integer_value(object, keep, ret_value);
    }
    if (PyIndex_Check(object)) {
        PyObject *integer = PyNumber_Index(object);
        if (integer == NULL || python_keep_object(keep, integer) < 0) {
            return -1;
        }
        return integer_value(integer, keep, ret_value);
    }
    return real_value(object, ret_value);
}

/* What says of itself whether it is true: bool, numbers, numpy's bool. A text or a list is true for
 * not being empty, any other object for being there: 'false' would count as a success. */
static bool has_truth(PyObject *object) {
    if (PyBool_Check(object) || PyLong_Check(object)) {
        return true;
    }
    if (PyType_GetSlot(Py_TYPE(object), Py_nb_bool) == NULL) {
        return false;
    }
    if (PyObject_Size(object) >= 0) {
        return false;
    }
    PyErr_Clear();
    return true;
}

static int truth_value(PyObject *object, struct alog_value *ret_value) {
    if (!has_truth(object)) {
        PyErr_Format(PyExc_TypeError, "must be True or False, not %R", object);
        return -1;
    }
    int truth = PyObject_IsTrue(object);
    *ret_value = (struct alog_value){.kind = ALOG_VALUE_BOOL, .boolean = truth > 0};
    return truth < 0 ? -1 : 0;
}

static bool is_nested(PyObject *object) {
    return PyDict_Check(object) || PyList_Check(object) || PyTuple_Check(object);
}

int python_field_value(PyObject *object, enum alog_field_kind kind, struct python_keep *keep,
                       struct alog_value *ret_value) {
    if (object == Py_None) {
        ret_value->kind = ALOG_VALUE_ABSENT;
        return 0;
    }
    switch (kind) {
    case ALOG_FIELD_NAME:
    case ALOG_FIELD_TEXT:
    case ALOG_FIELD_ENUM:
        return string_value(object, keep, ret_value);
    case ALOG_FIELD_JSON:
        return PyUnicode_Check(object) ? string_value(object, keep, ret_value)
                                       : json_value(object, keep, ret_value);
    case ALOG_FIELD_BOOL:
        return truth_value(object, ret_value);
    case ALOG_FIELD_I64:
    case ALOG_FIELD_F64:
        return number_value(object, keep, ret_value);
    }
    PyErr_SetString(PyExc_SystemError, "a field of an unknown kind");
    return -1;
}

int python_attribute_value(PyObject *object, struct python_keep *keep,
                           struct alog_value *ret_value) {
    if (object == Py_None) {
        ret_value->kind = ALOG_VALUE_NULL;
        return 0;
    }
    if (PyBool_Check(object)) {
        *ret_value = (struct alog_value){.kind = ALOG_VALUE_BOOL, .boolean = object == Py_True};
        return 0;
    }
    if (PyFloat_Check(object) || PyIndex_Check(object)) {
        return number_value(object, keep, ret_value);
    }
    if (is_nested(object)) {
        return json_value(object, keep, ret_value);
    }
    return string_value(object, keep, ret_value);
}

int python_timestamp(PyObject *object, int64_t *ret_ns) {
    if (PyLong_Check(object)) {
        long long value = PyLong_AsLongLong(object);
        if (value == -1 && PyErr_Occurred()) {
            return -1;
        }
        *ret_ns = value;
        return 0;
    }
    PyObject *ns = PyObject_CallFunctionObjArgs(datetime_ns, object, NULL);
    if (ns == NULL) {
        return -1;
    }
    long long value = PyLong_AsLongLong(ns);
    Py_DECREF(ns);
    if (value == -1 && PyErr_Occurred()) {
        return -1;
    }
    *ret_ns = value;
    return 0;
}

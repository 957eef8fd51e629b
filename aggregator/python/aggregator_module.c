/*
 * The extension module agentlog._aggregator: ingest, questions and retention for CPython, in the
 * stable ABI (3.10 and later). Every call opens the database, does one thing and closes it; the
 * interpreter's lock is given up meanwhile.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>

#include <agentlog/aggregator.h>
#include <agentlog/prune.h>

static PyObject *error_type;

static PyObject *raise_status(enum alog_status status, const struct alog_error *error) {
    /* A message may quote a path of any bytes. */
    PyObject *message =
        PyUnicode_DecodeUTF8(error->message, (Py_ssize_t)strlen(error->message), "replace");
    PyObject *failure = PyObject_CallFunction(error_type, "N", message);
    PyObject *name = PyUnicode_FromString(alog_status_name(status));
    if (failure != NULL && name != NULL && PyObject_SetAttrString(failure, "status", name) == 0) {
        PyErr_SetObject(error_type, failure);
    }
    Py_XDECREF(failure);
    Py_XDECREF(name);
    return NULL;
}

/* ---- Questions ------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    enum alog_query_kind kind;
} kinds[] = {
    {"summary", ALOG_QUERY_SUMMARY},
    {"success-rate", ALOG_QUERY_SUCCESS_RATE},
    {"availability", ALOG_QUERY_AVAILABILITY},
    {"agents", ALOG_QUERY_AGENTS},
    {"providers", ALOG_QUERY_PROVIDERS},
    {"models", ALOG_QUERY_MODELS},
    {"errors", ALOG_QUERY_ERRORS},
    {"error-patterns", ALOG_QUERY_ERROR_PATTERNS},
    {"tests", ALOG_QUERY_TESTS},
    {"hooks", ALOG_QUERY_HOOKS},
    {"confidence", ALOG_QUERY_CONFIDENCE},
    {"calibration", ALOG_QUERY_CALIBRATION},
    {"calibration-bins", ALOG_QUERY_CALIBRATION_BINS},
    {"agents-providers", ALOG_QUERY_AGENTS_PROVIDERS},
    {"fallbacks", ALOG_QUERY_FALLBACKS},
    {"orchestration", ALOG_QUERY_ORCHESTRATION},
    {"orchestration-time", ALOG_QUERY_ORCHESTRATION_TIME},
    {"problem-hooks", ALOG_QUERY_PROBLEM_HOOKS},
    {"retries", ALOG_QUERY_RETRIES},
    {"all-time", ALOG_QUERY_ALL_TIME},
    {"job", ALOG_QUERY_JOB},
    {"job-agents", ALOG_QUERY_JOB_AGENTS},
    {"job-providers", ALOG_QUERY_JOB_PROVIDERS},
    {"job-errors", ALOG_QUERY_JOB_ERRORS},
    {"job-strategies", ALOG_QUERY_JOB_STRATEGIES},
    {"job-tests", ALOG_QUERY_JOB_TESTS},
    {"job-timeline", ALOG_QUERY_JOB_TIMELINE},
    {"completeness", ALOG_QUERY_COMPLETENESS},
    {"known-environments", ALOG_QUERY_KNOWN_ENVIRONMENTS},
    {"trend", ALOG_QUERY_TREND},
    {"regress", ALOG_QUERY_REGRESS},
};

static PyObject *cell_object(const struct alog_column *column, const struct alog_value *cell) {
    switch (cell->kind) {
    case ALOG_VALUE_I64:
        if (column->kind == ALOG_COLUMN_BOOL) {
            return PyBool_FromLong(cell->i64 != 0);
        }
        return PyLong_FromLongLong(cell->i64);
    case ALOG_VALUE_U64:
        return PyLong_FromUnsignedLongLong(cell->u64);
    case ALOG_VALUE_BOOL:
        return PyBool_FromLong(cell->boolean);
    case ALOG_VALUE_F64:
        return PyFloat_FromDouble(cell->f64);
    case ALOG_VALUE_STRING:
    case ALOG_VALUE_JSON:
        return PyUnicode_DecodeUTF8(cell->string.data, (Py_ssize_t)cell->string.len, "replace");
    default:
        Py_RETURN_NONE;
    }
}

static PyObject *row_object(const struct alog_table *table, size_t row) {
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < table->column_count; i++) {
        PyObject *cell =
            cell_object(&table->columns[i], &table->cells[row * table->column_count + i]);
        if (cell == NULL || PyDict_SetItemString(dict, table->columns[i].name, cell) < 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(cell);
    }
    return dict;
}

static PyObject *table_object(const struct alog_table *table) {
    PyObject *rows = PyList_New(0);
    for (size_t i = 0; rows != NULL && i < table->row_count; i++) {
        PyObject *row = row_object(table, i);
        if (row == NULL || PyList_Append(rows, row) < 0) {
            Py_CLEAR(rows);
        }
        Py_XDECREF(row);
    }
    return rows;
}

static PyObject *ask(const char *db_path, const struct alog_query *query) {
    struct alog_error error = {.message = ""};
    struct alog_db *db = NULL;
    struct alog_table *table = NULL;
    enum alog_status status;
    Py_BEGIN_ALLOW_THREADS status = alog_db_open(db_path, &db, &error);
    if (status == ALOG_OK) {
        status = alog_db_query(db, query, &table, &error);
    }
    alog_db_close(db);
    Py_END_ALLOW_THREADS if (status != ALOG_OK) {
        return raise_status(status, &error);
    }
    PyObject *rows = table_object(table);
    alog_table_free(table);
    return rows;
}

/* None is no restriction. */
static int take_i64(PyObject *object, struct alog_opt_i64 *ret_value) {
    if (object == NULL || object == Py_None) {
        return 0;
    }
    long long value = PyLong_AsLongLong(object);
    if (value == -1 && PyErr_Occurred()) {
        return -1;
    }
    *ret_value = ALOG_I64(value);
    return 0;
}

static int take_f64(PyObject *object, struct alog_opt_f64 *ret_value) {
    if (object == NULL || object == Py_None) {
        return 0;
    }
    double value = PyFloat_AsDouble(object);
    if (value == -1.0 && PyErr_Occurred()) {
        return -1;
    }
    *ret_value = ALOG_F64(value);
    return 0;
}

/* NULL is the first. */
static int take_metric(const char *name, enum alog_metric *ret_metric) {
    for (int i = 0; name != NULL && i < ALOG_METRIC_COUNT; i++) {
        if (strcmp(alog_metric_describe((enum alog_metric)i)->name, name) == 0) {
            *ret_metric = (enum alog_metric)i;
            return 0;
        }
    }
    if (name != NULL) {
        PyErr_Format(PyExc_ValueError, "there is no metric \"%s\"", name);
        return -1;
    }
    return 0;
}

static PyObject *query(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    static char *names[] = {
        "db_path",        "kind",       "since_ns",    "until_ns", "environment",
        "agent_name",     "issue_type", "provider_id", "model",    "job_id",
        "max_latency_ms", "min_count",  "metric",      "weekly",   "bins",
        "max_ratio",      "subject",    "max_ece",     NULL};
    PyObject *path = NULL;
    PyObject *since = NULL;
    PyObject *until = NULL;
    PyObject *latency = NULL;
    const char *kind;
    const char *texts[6] = {NULL};
    const char *subject = NULL;
    PyObject *ratio = NULL;
    PyObject *ece = NULL;
    const char *metric = NULL;
    int weekly = 0;
    struct alog_query asked = {0};
    if (!PyArg_ParseTupleAndKeywords(
            args, kwargs, "O&s|$OOzzzzzzOIzpIOzO:query", names, PyUnicode_FSConverter, &path, &kind,
            &since, &until, &texts[0], &texts[1], &texts[2], &texts[3], &texts[4], &texts[5],
            &latency, &asked.min_count, &metric, &weekly, &asked.bins, &ratio, &subject, &ece)) {
        Py_XDECREF(path);
        return NULL;
    }
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        if (strcmp(kinds[i].name, kind) == 0) {
            asked.kind = kinds[i].kind;
        }
    }
    asked.environment = alog_str(texts[0]);
    asked.agent_name = alog_str(texts[1]);
    asked.issue_type = alog_str(texts[2]);
    asked.provider_id = alog_str(texts[3]);
    asked.model = alog_str(texts[4]);
    asked.job_id = alog_str(texts[5]);
    asked.subject = alog_str(subject);
    asked.weekly = weekly != 0;
    PyObject *rows = NULL;
    if ((int)asked.kind == 0) {
        PyErr_Format(PyExc_ValueError, "there is no question \"%s\"", kind);
    } else if (take_i64(since, &asked.since_ns) == 0 && take_i64(until, &asked.until_ns) == 0 &&
               take_f64(latency, &asked.max_latency_ms) == 0 &&
               take_f64(ratio, &asked.max_ratio) == 0 && take_f64(ece, &asked.max_ece) == 0 &&
               take_metric(metric, &asked.metric) == 0) {
        rows = ask(PyBytes_AsString(path), &asked);
    }
    Py_DECREF(path);
    return rows;
}

/* ---- Ingest and prune ------------------------------------------------------------------------ */

static PyObject *ingest(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    static char *names[] = {"log_dir", "db_path", "threads", NULL};
    PyObject *log_dir = NULL;
    PyObject *db_path = NULL;
    struct alog_ingest_options options = ALOG_INGEST_OPTIONS_INIT;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&O&|I:ingest", names, PyUnicode_FSConverter,
                                     &log_dir, PyUnicode_FSConverter, &db_path, &options.threads)) {
        Py_XDECREF(log_dir);
        Py_XDECREF(db_path);
        return NULL;
    }
    struct alog_ingest_report report = {0};
    struct alog_error error = {.message = ""};
    const char *log_dir_text = PyBytes_AsString(log_dir);
    const char *db_path_text = PyBytes_AsString(db_path);
    enum alog_status status;
    Py_BEGIN_ALLOW_THREADS status =
        alog_ingest(log_dir_text, db_path_text, &options, &report, &error);
    Py_END_ALLOW_THREADS Py_DECREF(log_dir);
    Py_DECREF(db_path);
    if (status != ALOG_OK) {
        return raise_status(status, &error);
    }
    return Py_BuildValue("{s:K,s:K,s:K,s:K,s:K}", "events", report.events, "events_lost",
                         report.events_lost, "segments_ingested", report.segments_ingested,
                         "segments_bad", report.segments_bad, "days", report.days);
}

static PyObject *prune(PyObject *module, PyObject *args, PyObject *kwargs) {
    (void)module;
    static char *names[] = {"db_path", "keep_rows_days", "keep_rollups_days", "dry_run", NULL};
    PyObject *db_path = NULL;
    int dry_run = 0;
    struct alog_prune_options options = ALOG_PRUNE_OPTIONS_INIT;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O&I|Ip:prune", names, PyUnicode_FSConverter,
                                     &db_path, &options.keep_rows_days, &options.keep_rollups_days,
                                     &dry_run)) {
        Py_XDECREF(db_path);
        return NULL;
    }
    options.dry_run = dry_run != 0;
    struct alog_prune_report report = {0};
    struct alog_error error = {.message = ""};
    const char *db_path_text = PyBytes_AsString(db_path);
    enum alog_status status;
    Py_BEGIN_ALLOW_THREADS status = alog_prune(db_path_text, &options, &report, &error);
    Py_END_ALLOW_THREADS Py_DECREF(db_path);
    if (status != ALOG_OK) {
        return raise_status(status, &error);
    }
    PyObject *dict = PyDict_New();
    for (size_t i = 0; dict != NULL && i < report.table_count; i++) {
        PyObject *rows = PyLong_FromUnsignedLongLong(report.tables[i].rows);
        if (rows == NULL || PyDict_SetItemString(dict, report.tables[i].table, rows) < 0) {
            Py_CLEAR(dict);
        }
        Py_XDECREF(rows);
    }
    alog_prune_report_free(&report);
    return dict;
}

/* ---- The module ------------------------------------------------------------------------------ */

#define FUNCTION(function) ((PyCFunction)(void (*)(void))(function))

static PyMethodDef functions[] = {
    {"ingest", FUNCTION(ingest), METH_VARARGS | METH_KEYWORDS,
     "ingest(log_dir, db_path, threads=0)\n--\n\nBring a database up to date with a log; what was "
     "done, as a dictionary."},
    {"query", FUNCTION(query), METH_VARARGS | METH_KEYWORDS,
     "query(db_path, kind, *, since_ns=None, until_ns=None, environment=None, agent_name=None, "
     "issue_type=None, provider_id=None, model=None, job_id=None, max_latency_ms=None, "
     "min_count=0, metric=None, weekly=False, bins=0, max_ratio=None, subject=None, "
     "max_ece=None)\n--\n\nAsk, as `agentlog "
     "stats` does: a list of dictionaries."},
    {"prune", FUNCTION(prune), METH_VARARGS | METH_KEYWORDS,
     "prune(db_path, keep_rows_days, keep_rollups_days=0, dry_run=False)\n--\n\nDelete what is "
     "old; deleted rows by table."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {
    .m_base = PyModuleDef_HEAD_INIT,
    .m_name = "agentlog._aggregator",
    .m_doc = "The aggregator; use it through the package agentlog.",
    .m_size = -1,
    .m_methods = functions,
};

PyMODINIT_FUNC PyInit__aggregator(void);

PyMODINIT_FUNC PyInit__aggregator(void) {
    PyObject *module = PyModule_Create(&definition);
    PyObject *writer = module != NULL ? PyImport_ImportModule("agentlog._writer") : NULL;
    error_type = writer != NULL ? PyObject_GetAttrString(writer, "Error") : NULL;
    Py_XDECREF(writer);
    if (error_type == NULL) {
        Py_CLEAR(module);
    }
    return module;
}

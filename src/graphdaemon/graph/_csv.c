/*
 * Records as lines of CSV. The form in Python (output/formats/csv.py) says what is right.
 *
 * The records are those that `scan_page` has cut out, and so JSON in UTF-8, a line each. What takes more than to
 * copy it is left to Python, by None: escapes other than of quotation marks and slashes, and space within values.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <string.h>

/* A NUL stands behind the text, and within it nowhere: nobody reads beyond it. */
typedef const char *Text;

typedef struct {
    Text begin, end; /* NULL where a record has no such value */
} Cell;

typedef struct {
    Text name;
    Py_ssize_t size;
} Column;

static Text skip_space(Text at) { return at + strspn(at, " \r\t"); }

/* `at` follows the opening quotation mark; return the closing one. */
static Text end_string(Text at)
{
    for (at += strcspn(at, "\"\\"); *at == '\\'; at += strcspn(at, "\"\\"))
        at += at[1] ? 2 : 1;
    return *at ? at : NULL;
}

/* Return what follows a value; NULL where space or the end of the text stands in it. */
static Text end_value(Text at)
{
    int depth = 0;
    do {
        if (*at == '"' && !(at = end_string(at + 1)))
            return NULL;
        depth += (*at == '{' || *at == '[') - (*at == '}' || *at == ']');
        if (!*at || strchr(" \r\t\n", *at))
            return NULL;
        at++;
    } while (depth > 0);
    /* A text or a nested value has ended; what is left is that of a number, or of a word. */
    return at + (at[-1] == '"' || at[-1] == '}' || at[-1] == ']' ? 0 : strcspn(at, ",} \r\t\n"));
}

static int is_formula(Text at, Text end)
{
    while (at < end && *at == '\'')
        at++;
    if (at < end && strchr("=+-@", *at))
        return 1;
    /* The same signs in full width. */
    return end - at >= 3 && !memcmp(at, "\xEF\xBC", 2) && strchr("\x9D\x8B\x8D\xA0", at[2]);
}

/* Write a cell to `to`, and return what follows it; NULL where it is one for Python. */
static char *put_text(char *to, Text at, Text end, int keeps_formulas)
{
    char *first = to;
    int needs_quotes = at == end;
    *to++ = '"';
    if (!keeps_formulas && is_formula(at, end))
        *to++ = '\'';
    for (; at < end; at++) {
        if (*at == '\\' && !strchr("\"\\/", *++at))
            return NULL;
        if (*at == '"')
            *to++ = '"';
        needs_quotes |= *at == '"' || *at == ',' || *at == ';';
        *to++ = *at;
    }
    if (needs_quotes) {
        *to++ = '"';
        return to;
    }
    memmove(first, first + 1, (size_t)(to - first - 1));
    return to - 1;
}

static char *put_json(char *to, Text at, Text end)
{
    size_t size = (size_t)(end - at);
    int needs_quotes = memchr(at, '"', size) || memchr(at, ',', size);
    if (size == 4 && !memcmp(at, "null", 4))
        return to;
    if (needs_quotes)
        *to++ = '"';
    for (; at < end; *to++ = *at++)
        if (*at == '"')
            *to++ = '"';
    if (needs_quotes)
        *to++ = '"';
    return to;
}

static char *put_line(char *to, const Cell *cells, Py_ssize_t count, int keeps_formulas)
{
    char *first = to;
    for (Py_ssize_t at = 0; to && at < count; at++) {
        const Cell *cell = cells + at;
        if (at)
            *to++ = ',';
        if (cell->begin && *cell->begin == '"')
            to = put_text(to, cell->begin + 1, cell->end - 1, keeps_formulas);
        else if (cell->begin)
            to = put_json(to, cell->begin, cell->end);
    }
    if (to && count == 1 && to == first) {
        *to++ = '"'; /* readers skip an empty line */
        *to++ = '"';
    }
    if (to) {
        *to++ = '\r';
        *to++ = '\n';
    }
    return to;
}

/* Find the values of the record at `at`; return what follows its line, NULL where it is for Python. */
static Text read_record(Text at, const Column *columns, Py_ssize_t count, Cell *cells)
{
    memset(cells, 0, (size_t)count * sizeof *cells);
    if (*at != '{')
        return NULL;
    for (at = skip_space(at + 1); *at == '"'; at = skip_space(at + (*at == ','))) {
        Text name = at + 1, end = end_string(name);
        if (!end || memchr(name, '\\', (size_t)(end - name)))
            return NULL;
        at = skip_space(end + 1);
        if (*at != ':')
            return NULL;
        Cell value = {skip_space(at + 1), NULL};
        value.end = end_value(value.begin);
        if (!value.end)
            return NULL;
        Py_ssize_t i = 0, length = end - name;
        while (i < count && (columns[i].size != length || memcmp(columns[i].name, name, (size_t)length)))
            i++;
        if (i < count)
            cells[i] = value;
        at = skip_space(value.end);
    }
    return at[0] == '}' && at[1] == '\n' ? at + 2 : NULL;
}

static char *put_records(char *to, Text at, Text end, const Column *columns, Py_ssize_t count, Cell *cells,
    int keeps_formulas)
{
    while (to && at < end) {
        at = read_record(at, columns, count, cells);
        to = at ? put_line(to, cells, count, keeps_formulas) : NULL;
    }
    return to;
}

/* Take the names of the columns; return 0 where they are none. */
static int read_columns(PyObject *names, Column *columns, Py_ssize_t count)
{
    for (Py_ssize_t at = 0; at < count; at++) {
        char *name;
        if (PyBytes_AsStringAndSize(PyTuple_GetItem(names, at), &name, &columns[at].size) < 0)
            return 0;
        columns[at].name = name;
    }
    return 1;
}

/* write_csv(lines, names, raw_cells): see compiled.py. */
PyObject *write_csv(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *lines, *names, *result = NULL;
    int keeps_formulas;
    char *text;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(arguments, "SO!p", &lines, &PyTuple_Type, &names, &keeps_formulas) ||
        PyBytes_AsStringAndSize(lines, &text, &size) < 0)
        return NULL;
    Py_ssize_t count = PyTuple_Size(names), records = 0;
    for (Text at = text; (at = memchr(at, '\n', (size_t)(text + size - at))); at++)
        records++;
    /* At worst all of a record is quotation marks; a cell has four signs more, with its comma. */
    size_t room = (size_t)size * 2 + (size_t)records * ((size_t)count * 4 + 4);
    char *written = PyMem_Malloc(room);
    Column *columns = PyMem_Calloc((size_t)count + 1, sizeof *columns);
    Cell *cells = PyMem_Calloc((size_t)count + 1, sizeof *cells);
    if (!written || !columns || !cells)
        PyErr_NoMemory();
    else if (read_columns(names, columns, count)) {
        char *end = put_records(written, text, text + size, columns, count, cells, keeps_formulas);
        result = end ? PyBytes_FromStringAndSize(written, end - written) : Py_NewRef(Py_None);
    }
    PyMem_Free(cells);
    PyMem_Free(columns);
    PyMem_Free(written);
    return result;
}

/*
 * A page of a listing: each record is cut out, and its ID packed. Also the module, with all of its functions.
 *
 * The form in Python (page.py) says what is right. This one takes only what RFC 8259 calls JSON, and leaves the
 * rest, by None, for that form to judge: it never has to say what is wrong.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000 /* one build serves every Python from 3.11 on */
#include <Python.h>
#include <stdint.h>
#include <string.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif

#define EACH(byte) (0x0101010101010101u * (byte))
#define ID_SIZE 16
#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
#define FIRST_BYTE(bits) (__builtin_ctzll(bits) >> 3)
#else
#define FIRST_BYTE(bits) 0 /* the bytes are looked at one by one */
#endif

/* A NUL stands behind the text, and is nothing that may stand in it: nobody reads beyond it. */
typedef const unsigned char *Text;

typedef struct {
    Text end;
    int deepest;
    PyObject *ends; /* a bytearray: where each record begins and ends; at last, where its line ends */
    Py_ssize_t count;
    unsigned char *packed; /* ID_SIZE bytes for each record, while every ID is a GUID */
    int packable;
} Page;

typedef struct {
    int64_t begin, end; /* from `page->end`, backwards */
} Span;

/* The member that is looked for in an object, and where its value stands. */
typedef struct {
    const char *name;
    Py_ssize_t size;
    Text begin, end;
    int count; /* more than one: it stands there twice, or a name with an escape may be it */
} Member;

static Text skip_space(Text at)
{
    while (*at == ' ' || *at == '\n' || *at == '\r' || *at == '\t')
        at++;
    return at;
}

/* Return what follows a character of several bytes; NULL where it is none (Unicode, table 3-7). */
static Text skip_multibyte(Text at)
{
    int first = at[0], more = first < 0xE0 ? 1 : first < 0xF0 ? 2 : 3;
    int low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80; /* less needs fewer bytes */
    int high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF; /* surrogates; beyond the last */
    if (first < 0xC2 || first > 0xF4 || at[1] < low || at[1] > high)
        return NULL;
    for (at += 2; more > 1; more--, at++)
        if ((*at & 0xC0) != 0x80)
            return NULL;
    return at;
}

static Text skip_escape(Text at)
{
    if (*++at != 'u')
        return *at && strchr("\"\\/bfnrt", *at) ? at + 1 : NULL;
    if ((at[1] | 32) == 'd' && at[2] > '7')
        return NULL; /* a surrogate, which is right with another one only: a case for Python */
    for (int i = 0; i < 4; i++)
        if (*++at == 0 || !strchr("0123456789abcdefABCDEF", *at))
            return NULL;
    return at + 1;
}

/* `at` follows the opening quotation mark; return the closing one. */
static Text scan_string(const Page *page, Text at, int *has_escapes)
{
    while (at) {
        /* Eight bytes at a time; the lowest bit that is set is in the first that is special. */
        for (; page->end - at >= 8; at += 8) {
            uint64_t word, quote, slash;
            memcpy(&word, at, 8);
            quote = word ^ EACH('"');
            slash = word ^ EACH('\\');
            word = ((quote - EACH(1)) & ~quote) | ((slash - EACH(1)) & ~slash) |
                ((word - EACH(' ')) & ~word) | word;
            if ((word &= EACH(0x80))) {
                at += FIRST_BYTE(word);
                break;
            }
        }
        while (*at >= ' ' && *at != '"' && *at != '\\' && *at < 0x80)
            at++;
        if (*at == '"')
            return at;
        *has_escapes |= *at == '\\';
        if (*at < 0x80)
            at = *at == '\\' ? skip_escape(at) : NULL;
        while (at && *at >= 0x80)
            at = skip_multibyte(at);
    }
    return NULL;
}

static Text skip_digits(Text at)
{
    if (*at < '0' || *at > '9')
        return NULL;
    while (*at >= '0' && *at <= '9')
        at++;
    return at;
}

static Text scan_number(Text at)
{
    at += *at == '-';
    at = *at == '0' ? at + 1 : skip_digits(at);
    if (at && *at == '.')
        at = skip_digits(at + 1);
    if (at && (*at | 32) == 'e')
        at = skip_digits(at + 1 + (at[1] == '+' || at[1] == '-'));
    return at;
}

/* Write the bytes of the GUID in small letters that `id` is; return 0 where it is none. */
static int pack_guid(const Member *id, unsigned char *packed)
{
    static const unsigned char digits[] = "0123456789abcdef";
    Text at = id->begin + 1;
    int wrong = 0;
    if (id->count != 1 || id->end - id->begin != 38 || *id->begin != '"')
        return 0;
    /* Without branches: nobody, and so no processor, can foretell the digits of an ID. */
    for (int i = 0; i < ID_SIZE; i++, at += 2) {
        if (i == 4 || i == 6 || i == 8 || i == 10)
            wrong |= *at++ ^ '-';
        int high = ((at[0] & 15) + (at[0] >> 6) * 9) & 15;
        int low = ((at[1] & 15) + (at[1] >> 6) * 9) & 15;
        wrong |= (digits[high] ^ at[0]) | (digits[low] ^ at[1]);
        packed[i] = (unsigned char)(high << 4 | low);
    }
    return !wrong;
}

/* Return 0 where there is no memory for the record. */
static int take_record(Page *page, Text begin, Text end, const Member *id)
{
    Py_ssize_t room = PyByteArray_Size(page->ends) / (Py_ssize_t)sizeof(Span);
    if (page->count == room &&
        PyByteArray_Resize(page->ends, (room * 2 + 128) * (Py_ssize_t)sizeof(Span)) < 0)
        return 0;
    Span *spans = (Span *)PyByteArray_AsString(page->ends);
    spans[page->count] = (Span){begin - page->end, end - page->end};
    page->packable = page->packable && pack_guid(id, page->packed + page->count * ID_SIZE);
    page->count++;
    return 1;
}

/* Return the records, a line each; where each line ends takes the place of the spans. */
static PyObject *join_lines(Page *page)
{
    Span *spans = (Span *)PyByteArray_AsString(page->ends);
    int64_t size = page->count, *ends = (int64_t *)spans;
    for (Py_ssize_t at = 0; at < page->count; at++)
        size += spans[at].end - spans[at].begin;
    PyObject *lines = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    char *line = lines ? PyBytes_AsString(lines) : NULL, *first = line;
    for (Py_ssize_t at = 0; lines && at < page->count; at++) {
        Span span = spans[at];
        memcpy(line, page->end + span.begin, (size_t)(span.end - span.begin));
        line += span.end - span.begin;
        *line++ = '\n';
        ends[at] = line - first;
    }
    if (lines && PyByteArray_Resize(page->ends, page->count * (Py_ssize_t)sizeof *ends) < 0)
        Py_CLEAR(lines);
    return lines;
}

/* Return what follows the value at `at`, NULL where it is none; `cut` takes its items as records. */
static Text scan_value(Page *page, Text at, int depth, Member *member, int cut)
{
    int is_object = *at == '{', ignored = 0;
    if (*at == '"')
        return (at = scan_string(page, at + 1, &ignored)) ? at + 1 : NULL;
    if (*at == 't' || *at == 'n')
        return strncmp((const char *)at, *at == 't' ? "true" : "null", 4) ? NULL : at + 4;
    if (*at == 'f')
        return strncmp((const char *)at, "false", 5) ? NULL : at + 5;
    if (!is_object && *at != '[')
        return scan_number(at);
    if (++depth > page->deepest)
        return NULL;
    at = skip_space(at + 1);
    if (*at == (is_object ? '}' : ']'))
        return at + 1;
    for (;; at = skip_space(at + 1)) {
        Member id = {"id", 2, NULL, NULL, 0};
        int matches = 0, has_escapes = 0;
        if (is_object) {
            Text name = at + 1;
            if (*at != '"' || !(at = scan_string(page, name, &has_escapes)))
                return NULL;
            if (member) {
                matches = at - name == member->size && !memcmp(name, member->name, member->size);
                member->count += has_escapes ? 2 : matches;
            }
            at = skip_space(at + 1);
            if (*at != ':')
                return NULL;
            at = skip_space(at + 1);
        }
        Text begin = at;
        at = scan_value(page, at, depth, cut && !is_object ? &id : NULL, matches && cut);
        if (!at || (cut && !is_object && !take_record(page, begin, at, &id)))
            return NULL;
        if (matches) {
            member->begin = begin;
            member->end = at;
        }
        at = skip_space(at);
        if (*at == (is_object ? '}' : ']'))
            return at + 1;
        if (*at != ',')
            return NULL;
    }
}

/* scan_page(body, deepest): see compiled.py. */
static PyObject *scan_page(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *body, *lines = NULL, *result = NULL;
    Page page = {NULL, 0, NULL, 0, NULL, 1};
    Member value = {"value", 5, NULL, NULL, 0};
    char *begin;
    Py_ssize_t size;
    if (!PyArg_ParseTuple(arguments, "Si", &body, &page.deepest) ||
        PyBytes_AsStringAndSize(body, &begin, &size) < 0)
        return NULL;
    page.end = (Text)begin + size;
    /* A record whose ID is packed into 16 bytes has more than 32. */
    page.packed = PyMem_Malloc((size_t)size / 2 + ID_SIZE);
    page.ends = page.packed ? PyByteArray_FromStringAndSize(NULL, 0) : PyErr_NoMemory();
    Text end = page.ends ? scan_value(&page, skip_space((Text)begin), 0, &value, 1) : NULL;
    if (end && skip_space(end) == page.end && value.count == 1 && *value.begin == '[')
        lines = join_lines(&page);
    if (lines)
        result = Py_BuildValue("OOnny#", lines, page.ends,
            (Py_ssize_t)((char *)value.begin - begin), (Py_ssize_t)((char *)value.end - begin),
            page.packed, page.packable ? page.count * ID_SIZE : 0);
    Py_XDECREF(lines);
    Py_XDECREF(page.ends);
    PyMem_Free(page.packed);
    return result || PyErr_Occurred() ? result : Py_NewRef(Py_None);
}

/* keep_memory(): see compiled.py. */
static PyObject *keep_memory(PyObject *Py_UNUSED(module), PyObject *Py_UNUSED(arguments))
{
#ifdef __GLIBC__
    mallopt(M_MMAP_THRESHOLD, 4 << 20);
    mallopt(M_TRIM_THRESHOLD, 16 << 20);
#endif
    return Py_NewRef(Py_None);
}

PyObject *known_ids(PyObject *module, PyObject *arguments); /* _id_set.c */
PyObject *write_csv(PyObject *module, PyObject *arguments); /* _csv.c */

static PyMethodDef methods[] = {
    {"keep_memory", keep_memory, METH_NOARGS, NULL},
    {"scan_page", scan_page, METH_VARARGS, NULL},
    {"known_ids", known_ids, METH_VARARGS, NULL},
    {"write_csv", write_csv, METH_VARARGS, NULL},
    {NULL, NULL, 0, NULL},
};

/* The docstring tells compiled.py which arguments and results to expect: count on when they change. */
static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_compiled", "form 3", 0, methods,
    NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__compiled(void) { return PyModuleDef_Init(&module); }

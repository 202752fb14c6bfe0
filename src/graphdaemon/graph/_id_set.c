/*
 * A set of IDs: which of those of a page are known already. The form in Python (listing/id_set.py) says what is right.
 *
 * It is a list of bytearrays: a table each, whose first slot counts the others in use. They grow one after the
 * other: to copy a single large one would take its memory twice.
 */
#define PY_SSIZE_T_CLEAN
#define Py_LIMITED_API 0x030B0000
#include <Python.h>
#include <stdint.h>
#include <string.h>

#define ID_SIZE 16
#ifdef __GNUC__
#define PREFETCH __builtin_prefetch
#else
#define PREFETCH (void)
#endif

typedef const unsigned char *Text;

static const unsigned char NOTHING[ID_SIZE], IN_PLACE_OF_ZERO[ID_SIZE] = "\xF1no GUID at all";

static uint64_t hash_id(Text id, uint64_t seed)
{
    uint64_t half[2];
    memcpy(half, id, ID_SIZE);
    seed = (half[0] ^ seed) * 0x9E3779B97F4A7C15u;
    seed = (seed ^ (seed >> 32) ^ half[1]) * 0xC2B2AE3D27D4EB4Fu;
    return seed ^ (seed >> 29);
}

/* The table of an ID, and the slot at which to begin to look for it. */
typedef struct {
    Py_ssize_t number;
    unsigned char *table, *slot, *end;
} Place;

static Place place_of(PyObject *tables, Text id, uint64_t seed)
{
    uint64_t hash = hash_id(id, seed);
    Py_ssize_t number = (Py_ssize_t)((hash >> 32) % (uint64_t)PyList_Size(tables));
    PyObject *table = PyList_GetItem(tables, number);
    uint64_t room = (uint64_t)PyByteArray_Size(table) / ID_SIZE - 1;
    unsigned char *slots = (unsigned char *)PyByteArray_AsString(table) + ID_SIZE;
    unsigned char *slot = slots + ((hash & 0xFFFFFFFFu) * room >> 32) * ID_SIZE;
    return (Place){number, slots - ID_SIZE, slot, slots + room * ID_SIZE};
}

/* Return the slot where `id` is, or would be: there is always a free one. */
static unsigned char *find_slot(const Place *place, Text id)
{
    unsigned char *slot = place->slot;
    while (memcmp(slot, id, ID_SIZE) && memcmp(slot, NOTHING, ID_SIZE))
        slot = slot + ID_SIZE == place->end ? place->table + ID_SIZE : slot + ID_SIZE;
    return slot;
}

/* Move the IDs of a table into one that is half as large again. */
static int grow(PyObject *tables, const Place *old, uint64_t seed)
{
    Py_ssize_t size = (old->end - old->table) / ID_SIZE * 3 / 2 * ID_SIZE + 8 * ID_SIZE;
    PyObject *table = PyByteArray_FromStringAndSize(NULL, size);
    PyObject *kept = table ? Py_NewRef(PyList_GetItem(tables, old->number)) : NULL;
    if (!table || PyList_SetItem(tables, old->number, table) < 0)
        return 0;
    memset(PyByteArray_AsString(table), 0, (size_t)size);
    memcpy(PyByteArray_AsString(table), old->table, ID_SIZE);
    for (Text id = old->table + ID_SIZE; id < old->end; id += ID_SIZE) {
        if (memcmp(id, NOTHING, ID_SIZE)) {
            Place place = place_of(tables, id, seed);
            memcpy(find_slot(&place, id), id, ID_SIZE);
        }
    }
    Py_DECREF(kept);
    return 1;
}

/* known_ids(tables, packed, seed, keep): see compiled.py. */
PyObject *known_ids(PyObject *Py_UNUSED(module), PyObject *arguments)
{
    PyObject *tables, *places = PyList_New(0);
    Text packed;
    Py_ssize_t size;
    unsigned long long seed;
    uint64_t used;
    int keep, failed = !PyArg_ParseTuple(
        arguments, "O!y#Kp", &PyList_Type, &tables, &packed, &size, &seed, &keep);
    for (Py_ssize_t at = 0; places && !failed && at + ID_SIZE <= size; at += ID_SIZE) {
        if (at + 9 * ID_SIZE <= size) /* memory is slow: ask for what will be needed soon */
            PREFETCH(place_of(tables, packed + at + 8 * ID_SIZE, seed).slot);
        Text id = memcmp(packed + at, NOTHING, ID_SIZE) ? packed + at : IN_PLACE_OF_ZERO;
        Place place = place_of(tables, id, seed);
        memcpy(&used, place.table, sizeof used);
        /* A quarter is kept free. */
        if ((Py_ssize_t)(used + 1) * ID_SIZE * 4 >= (place.end - place.table - ID_SIZE) * 3) {
            failed = !grow(tables, &place, seed);
            place = place_of(tables, id, seed);
        }
        unsigned char *slot = failed ? NULL : find_slot(&place, id);
        if (slot && !memcmp(slot, id, ID_SIZE)) {
            PyObject *position = PyLong_FromSsize_t(at / ID_SIZE);
            failed = !position || PyList_Append(places, position) < 0;
            Py_XDECREF(position);
        } else if (slot && keep) {
            memcpy(slot, id, ID_SIZE);
            used++;
            memcpy(place.table, &used, sizeof used);
        }
    }
    if (failed)
        Py_CLEAR(places);
    return places;
}

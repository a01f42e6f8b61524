/* compat_queue.c -- owns the knowledge of a SimpleQueue's memory. In: the
 * queue. Out: its words.
 *
 * From 3.13 on the items lie in a ring beside the object. No header says so:
 * the offsets that the type tells have to fit, and what is in the ring is
 * compared with what traverse reports by who asks.
 */
#include "compat_31x.h"

#include "compat_queue.h"

#if PY_VERSION_HEX >= 0x030D0000
struct queue {
    PyObject ob_base;
    bool has_threads_waiting;
    Py_ssize_t put_at, get_at;
    PyObject **items;
    Py_ssize_t places, count;
    PyObject *weakrefs;
};

static bool
is_known(PyObject *obj)
{
    const PyTypeObject *type = Py_TYPE(obj);
    const struct queue *queue = (struct queue *)obj;
    return type->tp_basicsize >= (Py_ssize_t)sizeof(*queue) &&
           type->tp_weaklistoffset ==
               (Py_ssize_t)offsetof(struct queue, weakrefs) &&
           queue->items != NULL && queue->count >= 0 &&
           queue->count <= queue->places && queue->get_at >= 0 &&
           queue->get_at < queue->places;
}

int
mf_compat_queue_each(PyObject *obj, int (*word)(PyObject **, void *),
                     void *arg)
{
    const struct queue *queue = (struct queue *)obj;
    int result = 0;
    for (Py_ssize_t i = 0;
         result == 0 && is_known(obj) && i < queue->count; i++) {
        result = word(&queue->items[(queue->get_at + i) % queue->places],
                      arg);
    }
    return result;
}
#else
int
mf_compat_queue_each(PyObject *obj, int (*word)(PyObject **, void *),
                     void *arg)
{
    (void)obj, (void)word, (void)arg;
    return 0;
}
#endif

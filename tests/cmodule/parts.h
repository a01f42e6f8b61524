/* parts.h -- the parts of midflight._testengine: one .c per room of the
 * engine, each adds its functions to the module. The extension compiles the
 * engine's files into itself, asserts on.
 *
 * A new part: its function here and in the table of testengine.c, its file in
 * meson.build.
 */
#ifndef MF_TEST_PARTS_H
#define MF_TEST_PARTS_H

#include "engine.h"

/* 0, or -1 with an exception set. */
int mf_test_classes_init(PyObject *module);
int mf_test_effects_init(PyObject *module);
int mf_test_frames_init(PyObject *module);
int mf_test_ground_init(PyObject *module);
int mf_test_host_init(PyObject *module);
int mf_test_split_init(PyObject *module);
int mf_test_watch_init(PyObject *module);

#endif

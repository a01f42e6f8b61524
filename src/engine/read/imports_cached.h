/* imports_cached.h -- the ordinary import from a valid .pyc file, with the
 * text that it was compiled from.
 *
 * Our part of an import costs mostly system calls: the text has to be read
 * while it still is what was imported. The ordinary loader asks for the stamp
 * of the same file, to compare it with the .pyc; so both are done here with
 * one opening of each file. The text is then that of the stamp for certain:
 * no save can come between.
 */
#ifndef MF_IMPORTS_CACHED_H
#define MF_IMPORTS_CACHED_H

#include "source.h"

/* The code object that loader.get_code() would find in the .pyc file, and the
 * text of the source. false without exception: not such a case (another kind
 * of loader, a patched method, no .pyc file or not a fresh one, a file that is
 * a link or cannot be read, an audit hook that objects): the loader does it,
 * and says what there is to say. *code is a new reference; text->bytes may be
 * NULL: unknown. GIL held. */
bool mf_imports_cached(const struct mf_plain_loader *plain, PyObject *loader,
                       PyObject *dict, PyObject **code, struct mf_text *text);

/* Run it as the ordinary loader does: new reference to None, or NULL. */
PyObject *mf_imports_cached_run(const struct mf_plain_loader *plain,
                                PyObject *code, PyObject *dict);

/* Look at the interpreter's own loader; `external` is the module
 * importlib._bootstrap_external. Again whenever midflight starts. 0, or -1 with
 * an exception: there are no ordinary loaders. */
int mf_imports_cached_init(struct mf_plain_loader *plain, PyObject *external);
void mf_imports_cached_clear(struct mf_plain_loader *plain);

#endif

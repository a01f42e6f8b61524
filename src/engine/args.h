/* args.h -- Python arguments to engine types and back: the method table. */
#ifndef MF_ARGS_H
#define MF_ARGS_H

#include "engine.h"

extern PyMethodDef mf_args_methods[];

#endif

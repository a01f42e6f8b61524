"""Hotfixes: everything between a fix that somebody sends and a process that runs it.

Owns: nothing itself; its parts, in the order in which one is read:

    fix.py          what a hotfix is; how it is read, pinned and applied (patches.py: unified diffs)
    scripts*.py     a script: run aside, its changes judged, what reaches and follows them
    layers.py       what a later save of a file means for the patches that stand over it
    releases.py     the form of a signed release; signing.py: keys and signatures
    trust.py        who may change this process
    audit.py        to whom it is told
    probation.py    taken back by itself unless it is confirmed
    reapply.py      permanent hotfixes at the start of a process (kept.py: are they still what was signed?)
    lifecycle.py    the whole way, from arrival to end

The journal and the api stand below this room, the agent above it. Nothing here is imported until it is wanted, so who sends
no hotfix has none of it in the process.
"""

import sys
import types

_PUBLIC = ("Hotfix", "digest_of", "read")        # of fix.py, for who builds hotfixes


def __getattr__(name):
    if name in _PUBLIC:
        from . import fix

        return getattr(fix, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


class _Room(types.ModuleType):
    """midflight.hotfix is the call; importing this room puts the room in its place, so that has to be callable too."""

    def __call__(self, *args, **kwargs):
        from .. import api

        return api.hotfix(*args, **kwargs)


sys.modules[__name__].__class__ = _Room

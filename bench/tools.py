"""What is measured: midflight and its peers, each behind the same three calls, and each driven as it drives itself.

    tool = make(name, root)     before the program's first import
    tool.ready()                when the program has been imported
    tool.update([paths])        the files have changed; raises when they did not go in
"""

import importlib.util
import os
import sys


class Tool:
    def __init__(self, root):
        self.root = root

    def ready(self):
        pass

    def modules(self, paths):
        wanted = set(paths)
        return [m for m in list(sys.modules.values()) if getattr(m, "__file__", None) in wanted]


class midflight(Tool):
    def __init__(self, root):
        import midflight
        super().__init__(root)
        self.call = midflight.update
        midflight.start(roots=[root])

    def ready(self):
        self.call([])                                    # plug-ins are looked for once

    def update(self, paths):
        report = self.call(paths)
        if report.outcome != "committed":
            raise RuntimeError(str(report))
        return report


class reload(Tool):
    """importlib.reload of the changed modules."""

    def update(self, paths):
        for module in self.modules(paths):
            importlib.reload(module)


class autoreload(Tool):
    """IPython's %autoreload 2: its ModuleReloader without a shell, check() as before each cell."""

    def __init__(self, root):
        import logging
        import types

        from IPython.extensions.autoreload import ModuleReloader
        super().__init__(root)
        logging.getLogger("autoreload").setLevel(logging.CRITICAL)
        self.reloader = ModuleReloader(types.SimpleNamespace(user_ns={}))
        self.reloader.enabled = self.reloader.check_all = True

    def ready(self):
        self.reloader.check()

    def update(self, paths):
        self.reloader.check()
        if self.reloader.failed:
            raise RuntimeError("failed: %s" % list(self.reloader.failed))


class jurigged(Tool):
    """jurigged: its registry notes files at import, its watcher's refresh is called for each changed file."""

    def __init__(self, root):
        from jurigged.live import Watcher
        from jurigged.register import registry
        super().__init__(root)
        inside = root + os.sep
        registry.auto_register(filter=lambda path: os.path.abspath(path).startswith(inside))
        registry.set_logger(self.note)
        self.errors, self.watcher = [], Watcher(registry)

    def note(self, event):
        if isinstance(event, Exception):
            self.errors.append(event)

    def update(self, paths):
        for path in paths:
            self.watcher.refresh(path)
        if self.errors:
            raise self.errors.pop()


class pydevd(Tool):
    """The debugger's xreload (pydevd_reload, in debugpy) on each changed module."""

    def __init__(self, root):
        import debugpy
        super().__init__(root)
        sys.path.append(os.path.join(os.path.dirname(debugpy.__file__), "_vendored", "pydevd"))
        from _pydevd_bundle.pydevd_reload import xreload
        self.xreload = xreload

    def update(self, paths):
        for module in self.modules(paths):
            self.xreload(module)


PEERS = {"jurigged": "jurigged", "autoreload": "IPython", "pydevd": "debugpy", "reload": "importlib"}
LABELS = {"midflight": "midflight", "jurigged": "jurigged", "autoreload": "IPython autoreload", "pydevd": "pydevd_reload",
          "reload": "importlib.reload"}


def make(name, root):
    return globals()[name](root)


def present():
    """midflight, and the peers that are installed."""
    return ["midflight", *(name for name, package in PEERS.items() if importlib.util.find_spec(package))]

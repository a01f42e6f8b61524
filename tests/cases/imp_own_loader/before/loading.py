import importlib.util
import os
import sys


class Loader:
    """Runs modules itself, as loaders do that rewrite what they load."""

    def create_module(self, spec):
        return None

    def exec_module(self, module):
        with open(module.__file__, encoding='utf-8') as f:
            exec(compile(f.read(), module.__file__, 'exec'), module.__dict__)


class Finder:
    @staticmethod
    def find_spec(name, path=None, target=None):
        file = os.path.join(os.path.dirname(os.path.abspath(__file__)), name + '.py')
        if not name.startswith('own_') or not os.path.exists(file):
            return None
        return importlib.util.spec_from_file_location(name, file, loader=Loader())


sys.meta_path.insert(0, Finder)

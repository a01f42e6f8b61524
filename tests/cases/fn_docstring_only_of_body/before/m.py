import contextlib
import functools

ran = []


def tag(f):
    ran.append(f.__name__)

    @functools.wraps(f)
    def inner(*args):
        """The wrapper's own."""
        return f(*args)
    return inner


def plain(f):
    def inner(*args):
        """The wrapper's own."""
        return f(*args)
    return inner


def bare(f):
    def inner(*args):
        return f(*args)
    return inner


@tag
@tag
def twice():
    """Old twice."""
    return 1


@tag
def documented_now():
    return 1


@tag
def no_more():
    """Old."""
    return 1


@plain
def own():
    """Old own."""
    return 1


@bare
def without():
    return 1


@functools.lru_cache
def cached():
    """Old cached."""
    return 1


@contextlib.contextmanager
def opened():
    """Old opened."""
    yield 1


class documented(property):
    pass


class C:
    @property
    def p(self):
        """Old p."""
        return 1

    @p.setter
    def p(self, value):
        """Old setter."""

    @property
    def late(self):
        return 1

    def get_q(self):
        """Old q."""
        return 1

    q = property(get_q, doc="Its own.")

    @documented
    def d(self):
        """Old d."""
        return 1

    @functools.cached_property
    def c(self):
        """Old c."""
        return 1

    @staticmethod
    def s():
        """Old s."""

    @classmethod
    def k(cls):
        """Old k."""

    @tag
    def m(self):
        """Old m."""

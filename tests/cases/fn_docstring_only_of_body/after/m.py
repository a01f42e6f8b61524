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
    """New twice."""
    return 1


@tag
def documented_now():
    """New."""
    return 1


@tag
def no_more():
    return 1


@plain
def own():
    """New own."""
    return 1


@bare
def without():
    """New."""
    return 1


@functools.lru_cache
def cached():
    """New cached."""
    return 1


@contextlib.contextmanager
def opened():
    """New opened."""
    yield 1


class documented(property):
    pass


class C:
    @property
    def p(self):
        """New p."""
        return 1

    @p.setter
    def p(self, value):
        """New setter."""

    @property
    def late(self):
        """New late."""
        return 1

    def get_q(self):
        """New q."""
        return 1

    q = property(get_q, doc="Its own.")

    @documented
    def d(self):
        """New d."""
        return 1

    @functools.cached_property
    def c(self):
        """New c."""
        return 1

    @staticmethod
    def s():
        """New s."""

    @classmethod
    def k(cls):
        """New k."""

    @tag
    def m(self):
        """New m."""

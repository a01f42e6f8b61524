import abc


class Base(abc.ABC):
    @abc.abstractmethod
    def a(self): ...


class Impl(Base):
    def a(self):
        return 'a'

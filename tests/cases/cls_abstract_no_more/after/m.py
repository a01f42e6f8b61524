from abc import ABC, abstractmethod
class Base(ABC):
    def run(self): return 'default'
class Part(Base): pass

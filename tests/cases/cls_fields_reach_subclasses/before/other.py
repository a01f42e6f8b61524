from base import Base
from dataclasses import dataclass
@dataclass
class Other(Base):
    def who(self): return self.name

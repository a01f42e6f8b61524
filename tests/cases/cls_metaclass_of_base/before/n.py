import m
from m import Base

ran = []


class Far(Base):
    ran.append("far")


class Dotted(m.Sub):
    limit = 5


class Mixed(m.Other, Far):
    pass


class Apart(m.Other):
    ran.append("apart")

import datetime
import enum


class Day(datetime.date, enum.Enum):
    FIRST = 2020, 1, 1
    LAST = 2030, 1, 1

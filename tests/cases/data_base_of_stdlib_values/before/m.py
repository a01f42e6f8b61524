import datetime
import decimal
import fractions
import pathlib
import re

WORD = re.compile(r'\w+')
HOME = pathlib.PurePosixPath('/home/a')
DAY = datetime.date(2020, 1, 2)
TAX = decimal.Decimal('0.19')
THIRD = fractions.Fraction(1, 3)
ALL = (DAY, TAX)


def first(text):
    return WORD.match(text).group()

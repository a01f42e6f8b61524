import datetime
import decimal
import fractions
import pathlib
import re

WORD = re.compile(r'[a-z]+')
HOME = pathlib.PurePosixPath('/home/b')
DAY = datetime.date(2021, 1, 2)
TAX = decimal.Decimal('0.20')
THIRD = fractions.Fraction(2, 3)
ALL = (DAY, TAX)


def first(text):
    return WORD.match(text).group()

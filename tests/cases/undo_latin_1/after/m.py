# -*- coding: latin-1 -*-
def f():
    return "ö"


WORD = "è"

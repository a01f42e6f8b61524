# -*- coding: latin-1 -*-
WORD = "ä"

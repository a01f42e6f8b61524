from hub import rate

VALUE = rate()

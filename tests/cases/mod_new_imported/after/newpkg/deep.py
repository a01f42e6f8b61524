from . import NAME

VALUE = NAME + '.deep'

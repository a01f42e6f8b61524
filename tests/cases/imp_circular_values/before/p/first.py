from . import second

VALUE = second.VALUE + 100

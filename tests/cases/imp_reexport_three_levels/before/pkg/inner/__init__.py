from ._impl import value, Class

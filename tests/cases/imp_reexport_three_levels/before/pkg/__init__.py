from .inner import value as number, Class as Klass

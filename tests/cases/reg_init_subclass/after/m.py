from base import Plugin


class A(Plugin, key='a'):
    x = 2


class C(Plugin, key='see'):
    x = 1

from base import Plugin


class A(Plugin, key='a'):
    x = 1


class B(Plugin, key='b'):
    x = 1


class C(Plugin, key='c'):
    x = 1

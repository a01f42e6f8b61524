from base import Plugin


class Fast(Plugin):
    pass

# Größe — 大きさ
größe = 'ü'


def zählen(名前):
    return 名前 + größe


class Überschrift:
    ß = 'é'

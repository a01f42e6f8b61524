# Größe — 大きさ, länger
größe = 'öö'


def zählen(名前):
    return 名前 + größe + '€'


class Überschrift:
    ß = 'è'

from lib import fetch

_plain = fetch


def fetch():
    return 'wrapped ' + _plain()

import lib
from lib import build, make

Built = build('Built')
SOLD = lib.sold()


@make
class Own:
    pass

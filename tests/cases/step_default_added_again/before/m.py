import lib
from lib import make, other

MADE = make('one')
OTHER = lib.other, other

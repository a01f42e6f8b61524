from . import basket
from core.conf import RATE as rate

PAGE = 'rate %d' % rate


def page(*ns):
    return PAGE, basket.Cart().total(*ns)

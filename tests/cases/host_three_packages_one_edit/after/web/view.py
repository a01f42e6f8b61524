from . import basket
from core.conf import RATE as rate

PAGE = 'Rate: %d' % rate


def page(*ns):
    return PAGE, basket.Cart().total(*ns), 'new'

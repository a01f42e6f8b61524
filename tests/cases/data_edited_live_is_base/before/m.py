from conf import TIMEOUT, HOSTS as H, FLAG, NOTHING
import conf

WAIT = TIMEOUT * 2


def all():
    return TIMEOUT, H, conf.PATH, conf.RATIO, FLAG, NOTHING, WAIT

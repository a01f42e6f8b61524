from pkg import conf
import pkg.conf as c2


def get():
    return conf.RATE, c2.f(), conf is c2

from lib import *


def g():
    return 'own g'

import os

os.environ['MF_CASE_MODE'] = 'on'


def f():
    return 1

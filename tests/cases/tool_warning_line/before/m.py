import warnings


def old_api():
    warnings.warn('use the other one')

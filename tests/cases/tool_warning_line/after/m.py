import warnings

# two more
# lines


def old_api():
    warnings.warn('use the other one')

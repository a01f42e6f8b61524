def f():
    return 'package'

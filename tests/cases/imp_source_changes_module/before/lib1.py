def f():
    return 'lib1'

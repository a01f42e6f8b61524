def f():
    import late
    return late.X

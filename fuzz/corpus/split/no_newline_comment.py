class C:
    x = 1  # tail
    # end
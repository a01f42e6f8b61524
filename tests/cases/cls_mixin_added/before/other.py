from m import Mid


class Far(Mid):
    pass

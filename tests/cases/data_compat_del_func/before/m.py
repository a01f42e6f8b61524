class Tool:
    _del_func = True

    def gone(self):
        return 1

    def stays(self):
        return 1


def old():
    return 1

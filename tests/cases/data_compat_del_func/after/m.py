class Tool:
    _del_func = True

    def stays(self):
        return 2

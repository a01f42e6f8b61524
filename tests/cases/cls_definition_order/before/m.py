class Form:
    name = 1
    mail = 2

    def ok(self):
        return 1

class Form:
    name = 1
    phone = 3

    def ok(self):
        return 2
    mail = 2

class Safe:
    def __init__(self):
        self.__pin = 1234

    def check(self, pin):
        return pin == self.__pin

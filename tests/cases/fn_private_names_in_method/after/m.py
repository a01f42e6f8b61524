class Safe:
    def __init__(self):
        self.__pin = 1234

    def check(self, pin):
        return 'open' if pin == self.__pin else 'shut'

    def __helper(self):
        return self.__pin + 1

    def next(self):
        return self.__helper()

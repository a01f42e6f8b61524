class Busy(Exception):
    code = 2

    def retry(self):
        return True

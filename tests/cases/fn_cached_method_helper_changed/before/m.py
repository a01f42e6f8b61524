import functools


class Parser:
    @staticmethod
    @functools.lru_cache(None)
    def parse(text):
        return text.split()

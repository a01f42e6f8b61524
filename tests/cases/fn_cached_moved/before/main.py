from a import slow, plain
def run(): return slow(1), plain(1)

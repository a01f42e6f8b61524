LIST = [1]
DICT = {'a': 1}
SET = {1}


class Box:
    pass


BOX = Box()
BOX.value = 'live'


def poke(tag):
    LIST.append(tag)
    DICT[tag] = tag
    DICT['a'] = tag
    SET.add(tag)
    BOX.value = tag
    BOX.other = tag
    Box.shared = tag
    globals()['ADDED'] = tag

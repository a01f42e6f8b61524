import shutil

shutil.copyfile('lib.txt', 'lib.py')
import lib


def ask():
    return lib.answer(), 'edited'

import sys

if sys.platform == 'nowhere':
    def sep():
        return 'a1'
else:
    def sep():
        return 'b1'

import sys

if sys.platform == 'nowhere':
    def sep():
        return 'a2'
else:
    def sep():
        return 'b2'

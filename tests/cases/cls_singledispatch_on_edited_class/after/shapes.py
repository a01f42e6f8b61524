class Circle:
    r = 5

    def grow(self):
        return self.r + 1


class Square:
    a = 1

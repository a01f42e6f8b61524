class Room:
    def __init__(self):
        self.guests = []


ROOMS = {'hall': Room(), 'bar': Room()}

class Keys:
    for _name in ('up', 'down', 'left'):
        locals()[_name] = _name.title()
    del _name
    if True:
        mode = 'b'
    else:
        mode = 'z'

    def get(self):
        return self.mode

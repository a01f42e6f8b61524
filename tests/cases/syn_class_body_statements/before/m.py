class Keys:
    for _name in ('up', 'down'):
        locals()[_name] = _name.upper()
    del _name
    if True:
        mode = 'a'
    else:
        mode = 'z'

    def get(self):
        return self.mode

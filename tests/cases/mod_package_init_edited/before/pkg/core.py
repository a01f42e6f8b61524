import probe

probe.tick('core')
STATE = []

import probe

STATE = probe.tick('state', [1])

import probe

SIZE = 1
POOL = probe.tick('pool', [SIZE])  # midflight: once
OTHER = probe.tick('other', SIZE)  # midflight: once

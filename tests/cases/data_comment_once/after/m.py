import probe

SIZE = 2
POOL = probe.tick('pool', [SIZE, SIZE])  # midflight: once
OTHER = probe.tick('other', SIZE)  # midflight: once

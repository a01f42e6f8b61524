def cmd_look(): return 'look1'
def cmd_go(): return 'go1'
COMMANDS = {k[4:]: v for k, v in globals().items() if k.startswith('cmd_')}
def run(c): return COMMANDS[c]()

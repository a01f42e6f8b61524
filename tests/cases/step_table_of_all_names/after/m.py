def cmd_look(): return 'look2'
def cmd_go(): return 'go1'
def cmd_say(): return 'say'
COMMANDS = {k[4:]: v for k, v in globals().items() if k.startswith('cmd_')}
def run(c): return COMMANDS[c]()

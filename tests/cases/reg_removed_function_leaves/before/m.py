from hub import command


@command('quit', 'q', 'exit')
def quit_():
    return 'quit'


@command('help', 'h')
def help_():
    return 'help'

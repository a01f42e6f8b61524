from hub import command


@command('help', 'h')
def help_():
    return 'help'

HANDLERS = {}


def on(event):
    def deco(f):
        HANDLERS[event] = f
        return f
    return deco


@on('open')
def _():
    return 'open 1'


@on('close')
def _():
    return 'close 1'

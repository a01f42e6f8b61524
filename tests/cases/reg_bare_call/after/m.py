import hub


class Audio:
    rate = 2


hub.register(Audio, 'slow', 'safe')

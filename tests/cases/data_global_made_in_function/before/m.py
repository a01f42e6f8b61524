def login(user):
    global session
    session = {'user': user}


def old():
    return 1

def login(user):
    global session
    session = {'user': user, 'v': 2}

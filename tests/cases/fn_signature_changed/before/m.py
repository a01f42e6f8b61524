def send(to, subject, *rest):
    return to, subject, rest

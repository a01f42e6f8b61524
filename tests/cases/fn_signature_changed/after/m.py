def send(to, *, subject='none', cc=(), **more):
    return to, subject, cc, more

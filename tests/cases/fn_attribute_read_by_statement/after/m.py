def view(): "doc2"
view.methods = ['GET', 'POST']
def other(): pass
other.methods = view.methods

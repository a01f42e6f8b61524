def view(): "doc1"
view.methods = ['GET']
view.name = 'view'
def other(): pass
other.methods = view.methods

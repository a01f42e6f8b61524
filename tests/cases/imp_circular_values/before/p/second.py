import p

VALUE = p.BASE * 10

class A:
	def f(self):
		if True:
		  return 'new'

	x = 1

def g():
        return 'g2'

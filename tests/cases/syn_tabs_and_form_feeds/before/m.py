class A:
	def f(self):
		if True:
		  return 'old'

	x = 1

def g():
        return 'g'

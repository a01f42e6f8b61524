def f():
	if x:
		y
		z = 1
	return
class C:
	x = 1

	def g(self):
	        return 1
 
x = 1 ; y = 2
class D:
	x = 1
	y = 2
def h(): pass

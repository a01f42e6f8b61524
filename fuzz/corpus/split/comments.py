# first
x = 1  # tail "
   # odd '''
class C:  # header
# at zero
    # inside
        # deeper
    x = 1
  # between
    def f(self):  # header: with colon
 # odd
        pass
        # behind
    # belongs to nobody

# end of C
y = [  # (
    1,  # ]
# )
]
def f(): pass  # :
if x: pass  # else
# \
else: pass  # \

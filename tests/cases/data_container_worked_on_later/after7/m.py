CONFIG={'debug':False,'n':5}
CONFIG['name']='y'
LIST=['z']
LIST.append('B')
LIST.extend(['c'])
S={7}
S.add(2)
for w in ('u','w'): CONFIG[w]=w

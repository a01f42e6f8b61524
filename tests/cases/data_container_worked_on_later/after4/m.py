CONFIG={'debug':False,'n':5}
CONFIG['name']='y'
CONFIG.update(k=2)
LIST=['z']
LIST.append('b')
LIST.extend(['c'])
S={7}
S.add(2)
for w in ('u','v'): CONFIG[w]=w

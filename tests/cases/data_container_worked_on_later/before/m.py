CONFIG={'debug':False,'n':1}
CONFIG['name']='x'
CONFIG.update(k=2)
LIST=['a']
LIST.append('b')
LIST.extend(['c'])
S={1}
S.add(2)
for w in ('u','v'): CONFIG[w]=w

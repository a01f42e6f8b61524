from types import SimpleNamespace as S


def setup():
    import m
    leaf = m.Node(1, 2)
    return S(m=m, root=m.Node(leaf, 3), leaf=leaf)


def check(s):
    assert s.root.left is s.leaf and (s.leaf.left, s.leaf.right, s.root.right) == (1, 2, 3)
    assert type(s.leaf) is s.m.Node and isinstance(s.root, s.m.Node)
    assert s.leaf.color == 'red'
    s.leaf.color = 'black'
    assert s.leaf.color == 'black'

import gc
from types import SimpleNamespace as S


def ring(m, *names):
    nodes = [m.Node(name) for name in names]
    for one, other in zip(nodes, nodes[1:] + nodes[:1]):
        one.other = other
    return nodes


def setup():
    import m
    old = ring(m, "a", "b", "c")
    gc.collect()
    return S(m=m, old=old, young=ring(m, "d", "e"), alone=ring(m, "f"))


def check(s):
    nodes = s.old + s.young + s.alone
    assert all(type(node) is s.m.Node and hasattr(s.m.Node, "note") for node in nodes)
    assert [node.other.name for node in nodes] == list("bcaedf")
    gc.collect()
    assert sum(type(obj).__name__ == "Node" for obj in gc.get_objects()) == len(nodes)
    for node in nodes:
        node.other = None
    del node
    s.old.clear(), s.young.clear(), s.alone.clear(), nodes.clear()
    gc.collect()
    assert not any(type(obj).__name__ == "Node" for obj in gc.get_objects())

match = 1; case = 2; type = 3; lazy = 4; _ = 5
match
match.x = 1
match: int = 3
match(x)
match[x]
lazy
type(x)
match x:
    case 1: import a
    case [1, 2]:
        from b import c
    # comment
    case _: pass
match (x):
  case _:
    pass
match x, *y:
    case _: pass
class C:
    match = case
    match x:
        case 1:
            pass
    type = 1
    case = 2
match -x:
    case 1 if lambda: x: pass

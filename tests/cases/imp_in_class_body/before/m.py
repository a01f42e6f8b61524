class Tool:
    from lib import LIMIT, helper as help

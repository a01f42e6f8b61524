import json
import rates
from rates import TAX, table as shown

LABEL = "tax " + str(TAX)
ORDERS = {"first": 100}


class Invoice:
    rate = TAX

    def total(self, net):
        return net + net * TAX


def report():
    return json.dumps({name: Invoice().total(net) for name, net in ORDERS.items()}) + shown()

"""A shop with the faults that production sees, served by Flask and by FastAPI, and the hotfixes for them.

Each scenario: what a probe answers before and with the fix, and the hotfix. The faulty definitions are held elsewhere in all the
ways that programs have: `from` imports, tables of callbacks, partials, bound methods, views, closures of decorators.
"""

import textwrap

ORDER = """class Order:
    vat = 19

    def __init__(self, net):
        self.net = net

    @property
    def gross(self):
        return self.net + self.vat

    @classmethod
    def of(cls, text):
        return cls(int(text))

    @staticmethod
    def check(net):
        return net > 0
"""

SHOP = {
    "vendorlib/__init__.py": """
        def parse(text):
            return text.split(",")            # a third party's bug: blanks stay
        """,
    "shop/__init__.py": "",
    "shop/rates.py": """
        RATES = {"de": 19, "at": 20}
        LIMIT = 3
        """,
    "shop/pricing.py": """
        import functools
        from .rates import LIMIT, RATES

        def total(net, country="de"):
            return net + net * RATES[country] // 10          # wrong formula

        def page(items, size=2):
            return items[:size]

        @functools.lru_cache
        def duty(weight):
            return weight * 3

        def allowed(count):
            return count <= LIMIT

        def line(kind, text):
            return f"<{kind}>{text}"
        """,
    "shop/events.py": """
        SEEN = []
        LISTENERS = []

        def listener(function):
            LISTENERS.append(function)
            return function

        @listener
        def remember(order):
            SEEN.append(order)                 # leaks
            return "kept"

        def fire(order):
            return [function(order) for function in LISTENERS]
        """,
    "shop/store.py": """
        import sqlite3
        import threading

        class Users:
            def __init__(self):
                self.lock = threading.Lock()
                self.db = sqlite3.connect(":memory:", check_same_thread=False)
                self.db.execute("create table users (name text)")
                self.db.executemany("insert into users values (?)", [("ann",), ("bob",)])

            def find(self, name):
                with self.lock:
                    return [row[0] for row in self.db.execute(f"select name from users where name = '{name}' order by name")]

        class Counter:
            def __init__(self):
                self.lock = threading.Lock()
                self.value = 0
                self.held = []

            def add(self):
                self.value += 1                # without the lock
                self.held.append(self.lock.locked())
                self.held[:-1] = []
                return self.held[-1]

""" + textwrap.indent(ORDER, "        ") + """
        class Rush(Order):
            def label(self):
                return "rush " + str(self.gross)

        users, counter, order, rush = Users(), Counter(), Order(100), Rush(100)
        """,
    "shop/work.py": """
        import threading
        import time

        class Worker:
            def __init__(self):
                self.steps, self.stop = 0, threading.Event()
                self.thread = threading.Thread(target=self.run, daemon=True)

            def run(self):
                while not self.stop.wait(0.002):
                    self.last = step(self.steps)
                    self.steps += 1

        def step(n):
            return "slow" if sum(range(2000)) else ""        # a hot loop

        def words(n):
            for number in range(n):
                yield str(number)

        worker = Worker()
        worker.last = step(0)
        """,
    "shop/handlers.py": """
        import functools
        import threading
        from vendorlib import parse
        from .events import fire
        from .pricing import allowed, duty, line, page, total
        from .store import Order, counter, order, rush, users
        from .work import words, worker

        find, add = users.find, counter.add
        note = functools.partial(line, "note")
        ITEMS = ["a", "b", "c", "d"]

        def guarded(function):
            @functools.wraps(function)
            def inside(*args):
                try:
                    return function(*args)
                except Exception as error:
                    return type(error).__name__
            return inside

        @guarded
        def pick(number):
            return ITEMS[number]               # no check of the index

        def worked():
            seen = worker.steps
            while worker.steps < seen + 2 and worker.thread.is_alive():
                worker.stop.wait(0.002)
            return worker.last

        PROBES = {
            "formula": lambda: total(100), "default": lambda: len(page(ITEMS)), "cache": lambda: duty(2), "limit": lambda: allowed(5),
            "table": lambda: total(100, "at"), "leak": lambda: fire("order"), "index": lambda: pick(9), "sql": lambda: find("x' or '1'='1"),
            "lock": add, "property": lambda: (order.gross, rush.label()), "factory": lambda: Order.of("5").net,
            "static": lambda: order.check(0), "loop": worked, "vendor": lambda: parse("a, b"), "generator": lambda: list(words(2)),
            "partial": lambda: note("x"), "together": lambda: (total(10), page(ITEMS, 1)),
        }

        def view():
            return "old view"
        """,
    "flask_app.py": """
        import threading
        import flask
        from werkzeug.serving import make_server
        from shop import handlers

        app = flask.Flask(__name__)
        app.add_url_rule("/view", view_func=handlers.view)

        @app.route("/probe/<name>")
        def probe(name):
            return str(handlers.PROBES[name]())

        def serve():
            server = make_server("127.0.0.1", 0, app, threaded=True)
            threading.Thread(target=server.serve_forever, daemon=True).start()
            return server.server_port
        """,
    "fastapi_app.py": """
        import socket
        import threading
        import fastapi
        import uvicorn
        from fastapi.responses import PlainTextResponse
        from shop import handlers

        app = fastapi.FastAPI()
        app.add_api_route("/view", handlers.view, response_class=PlainTextResponse)

        @app.get("/probe/{name}", response_class=PlainTextResponse)
        def probe(name: str):
            return str(handlers.PROBES[name]())

        def serve():
            listener = socket.create_server(("127.0.0.1", 0))
            server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="off"))
            server.install_signal_handlers = lambda: None
            threading.Thread(target=server.run, kwargs={"sockets": [listener]}, daemon=True).start()
            return listener.getsockname()[1]
        """,
    "main.py": """
        import importlib, json, os, sys, traceback
        import midflight
        midflight.start(roots=[os.path.abspath("shop")])
        app = importlib.import_module(sys.argv[1])
        from shop import events, handlers, pricing, rates, store, work
        work.worker.thread.start()

        def trace():
            out = {}
            for module in (events, handlers, pricing, rates, store, work, sys.modules["vendorlib"]):
                out[module.__name__] = {name: id(value) for name, value in vars(module).items()}
                for value in list(vars(module).values()):
                    if isinstance(value, type) and value.__module__ == module.__name__:
                        out[value.__qualname__] = {name: id(part) for name, part in vars(value).items()}
            out["data"] = repr((rates.RATES, rates.LIMIT, list(handlers.PROBES), len(events.LISTENERS)))
            out["modules"] = [name for name in sys.modules if name.startswith("hotfix_")]
            return out

        print(json.dumps({"port": app.serve()}), flush=True)
        before = None
        for line in sys.stdin:
            word, given = json.loads(line)
            try:
                if word == "hotfix":
                    before = trace()
                    report = midflight.hotfix(given[1], id=given[0])
                    answer = {"outcome": report.outcome, "text": str(report)}
                else:
                    report = midflight.undo()
                    after = trace()
                    answer = {"outcome": report.outcome, "text": str(report),
                              "trace": [name for name in before if before[name] != after[name]]}
            except Exception:
                answer = {"outcome": "raised", "text": traceback.format_exc()}
            print(json.dumps(answer), flush=True)
        """,
}

# name: (path, answer with the fault, answer with the fix, hotfix)
SCENARIOS = {
    "wrong formula": ("probe/formula", "290", "119", """
import shop.pricing as pricing
from shop.rates import RATES
def total(net, country="de"):
    return net + net * RATES[country] // 100
pricing.total = total
"""),
    "leak in a callback": ("probe/leak", "['kept']", "['counted']", """
from shop import events
def remember(order):
    events.SEEN[:] = events.SEEN[-10:]
    return "counted"
events.remember = remember
"""),
    "missing index check": ("probe/index", "IndexError", "None", """
from shop import handlers
def pick(number):
    return handlers.ITEMS[number] if number < len(handlers.ITEMS) else None
handlers.pick = pick
"""),
    "bad SQL": ("probe/sql", "['ann', 'bob']", "[]", """
from shop.store import Users
def find(self, name):
    with self.lock:
        return [row[0] for row in self.db.execute("select name from users where name = ? order by name", (name,))]
Users.find = find
"""),
    "config table": ("probe/table", "300", "170", "from shop import rates\nrates.RATES['at'] = 7\n"),
    "config value that importers have": ("probe/limit", "False", "True", "import shop.rates\nshop.rates.LIMIT = 50\n"),
    "hot loop": ("probe/loop", "slow", "fast", "import shop.work\nshop.work.step = lambda n: 'fast'\n"),
    "wrong lock use": ("probe/lock", "False", "True", """
import shop.store
def add(self):
    with self.lock:
        self.value += 1
        return self.lock.locked()
shop.store.Counter.add = add
"""),
    "third party's bug": ("probe/vendor", "['a', ' b']", "['a', 'b']", """
import vendorlib
theirs = vendorlib.parse
def parse(text):
    return [part.strip() for part in theirs(text)]
vendorlib.parse = parse
"""),
    "property": ("probe/property", "(119, 'rush 119')", "(120, 'rush 120')", """
from shop.store import Order
Order.gross = property(lambda self: self.net + 20)
"""),
    "factory of a class": ("probe/factory", "5", "6", """
from shop import store
store.Order.of = classmethod(lambda cls, text: cls(int(text) + 1))
"""),
    "static check": ("probe/static", "False", "True", """
from shop.store import Order
def check(net):
    return net >= 0
Order.check = staticmethod(check)
"""),
    "cached answers": ("probe/cache", "6", "8", """
import shop.pricing
def duty(weight):
    return weight * 4
shop.pricing.duty = duty
"""),
    "default argument": ("probe/default", "2", "3", """
import shop.pricing
def page(items, size=3):
    return items[:size]
shop.pricing.page = page
"""),
    "generator": ("probe/generator", "['0', '1']", "['n0', 'n1']", """
import shop.work
def words(n):
    for number in range(n):
        yield f"n{number}"
shop.work.words = words
"""),
    "function in a partial": ("probe/partial", "<note>x", "[note] x", """
import shop.pricing
shop.pricing.line = lambda kind, text: f"[{kind}] {text}"
"""),
    "a whole class": ("probe/property", "(119, 'rush 119')", "(107, 'rush 107')", "\nimport shop.store\n" + ORDER.replace("19", "7") + "shop.store.Order = Order\n"),
    "view of the framework": ("view", "old view", "new view", """
from shop import handlers
def view():
    return "new view"
handlers.view = view
"""),
    "two modules in one patch": ("probe/together", "(29, ['a'])", "(11, ['d'])", """--- a/shop/pricing.py
+++ b/shop/pricing.py
@@ -3,6 +3,6 @@
 
 def total(net, country="de"):
-    return net + net * RATES[country] // 10          # wrong formula
+    return net + net * RATES[country] // 100
 
 def page(items, size=2):
-    return items[:size]
+    return items[-size:]
--- a/shop/handlers.py
+++ b/shop/handlers.py
@@ -46,3 +46,3 @@
 
 def view():
-    return "old view"
+    return "old  view"
"""),
}

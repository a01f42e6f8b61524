"""The status page: what it shows after updates, that it shows it safely, and that nothing can be done through it."""

import json
import re
import socket
from html.parser import HTMLParser
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from helpers import MIDFLIGHT, wait_for, write
from live import Live, ask

SERVER = """
    import socket, sys, threading
    import uvicorn
    import lib
    from midflight.page import app
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = uvicorn.Server(uvicorn.Config(app, log_level="error"))
    threading.Thread(target=server.run, args=([listener],), daemon=True).start()
    print(listener.getsockname()[1], flush=True)
    print("ready", flush=True)
    for line in sys.stdin:
        print(eval(line), flush=True)
    server.should_exit = True
    """


class Page(HTMLParser):
    """Tags that are opened and closed in order, and the text; no tag comes out of data."""

    VOID = ("meta", "br")
    OPTIONAL = ("li", "td", "th", "tr")

    def __init__(self, text):
        super().__init__()
        self.open, self.words, self.tags, self.attributes = [], [], [], []
        self.feed(text)
        self.close()
        assert [tag for tag in self.open if tag not in self.OPTIONAL] == []

    def handle_starttag(self, tag, attributes):
        self.tags.append(tag)
        self.attributes += attributes
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open[-1] != tag:
            assert self.open.pop() in self.OPTIONAL, (tag, self.open)
        self.open.pop()

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self):
        return " ".join(" ".join(self.words).split())


@pytest.fixture
def live(tmp_path):
    live = Live(tmp_path)
    write(tmp_path, {"server.py": SERVER})
    return live


@pytest.fixture
def server(live):
    with live.program(*MIDFLIGHT, "run", "--no-watch", "server.py") as program:
        program.base = "http://127.0.0.1:" + program.lines_until("ready")[0]
        wait_for(lambda: answers(program.base))
        yield program


def answers(base):
    try:
        return get(base + "/metrics")
    except OSError:
        return None


def get(url, method="GET"):
    with urlopen(Request(url, method=method), timeout=20) as answer:
        return answer.status, dict(answer.headers), answer.read().decode()


def test_the_page_shows_the_timeline(live, server):
    page = Page(get(server.base + "/")[2])
    assert "server" in page.text and "runs as it was started" in page.text and "None yet." in page.text
    write(live.folder, {"lib.py": "def answer():\n    return 2\n\ndef more():\n    return '<b>'\n"})
    assert live.json("update", "server")["outcome"] == "committed"
    write(live.folder, {"lib.py": "def answer(:\n"})
    live.json("update", "server", code=3)
    status, headers, text = get(server.base + "/")
    page = Page(text)
    assert "runs update #1" in page.text and "~answer" in page.text and "+more" in page.text
    assert "rejected" in page.text and "SyntaxError" in page.text and "lib.py" in page.text
    assert re.search(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d committed", page.text), page.text
    assert "script" not in page.tags and not any(name in ("src", "href") or name.startswith("on") for name, _ in page.attributes)
    assert headers["content-security-policy"].startswith("default-src 'none'") and headers["cache-control"] == "no-store"


def test_names_of_the_program_are_data(live, server):
    write(live.folder, {"lib.py": "X = '<script>alert(1)</script>'\ndef answer():\n    return 1\n"})
    assert live.json("update", "server")["outcome"] == "committed"
    write(live.folder, {"lib.py": "X = '</code><img src=x onerror=alert(1)>'\ndef answer():\n    return 1\n"})
    assert live.json("update", "server")["outcome"] == "committed"
    page = Page(get(server.base + "/")[2])
    assert "script" not in page.tags and "img" not in page.tags and "alert(1)" in page.text


def test_as_json(live, server):
    write(live.folder, {"lib.py": "def answer():\n    return 2\n"})
    live.json("update", "server")
    data = json.loads(get(server.base + "/status.json")[2])
    assert data["running"] == 1 and data["code"]["lib"]["same"] and data["timeline"][0]["changed"][0]["name"] == "answer"


def test_as_prometheus_text(live, server):
    write(live.folder, {"lib.py": "def answer():\n    return 2\n"})
    live.json("update", "server")
    live.json("hotfix", "server", write_fix(live))
    status, headers, text = get(server.base + "/metrics")
    assert headers["content-type"].startswith("text/plain; version=0.0.4")
    values = {}
    for line in text.splitlines():
        assert re.fullmatch(r'# (HELP|TYPE) midflight_\w+ .+|midflight_\w+(\{(\w+="[^"\n]*",?)*\})? [-+0-9.e]+', line), line
        if not line.startswith("#"):
            name, _, value = line.rpartition(" ")
            assert name not in values
            values[name] = float(value)
    assert values['midflight_updates_total{outcome="committed"}'] == 2 and values["midflight_running_update"] == 2
    assert values['midflight_modules{text="other"}'] == 1 and values["midflight_pause_seconds_count"] == 2


def write_fix(live):
    (live.folder / "fix.json").write_text('{"lib": "def answer():\\n    return 3\\n"}')
    return "fix.json"


def test_nothing_can_be_done_through_it(live, server):
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        with pytest.raises(HTTPError) as refused:
            get(server.base + "/", method)
        assert refused.value.code == 405 and refused.value.headers["allow"] == "GET, HEAD"
    with pytest.raises(HTTPError) as refused:
        get(server.base + "/../etc/passwd")
    assert refused.value.code == 404
    assert get(server.base + "/", "HEAD")[2] == ""
    with socket.create_connection(("127.0.0.1", int(server.base.rpartition(":")[2]))) as end:
        end.sendall(b"GET /%00%ff HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert b" 404 " in end.makefile("rb").readline()
    assert ask(server, "lib.answer()") == "1"

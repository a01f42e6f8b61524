"""A start in mode prod believes its journal no more than its socket: what it brings back is judged as when it came."""

import hashlib
import json
import os

import pytest
from helpers import MIDFLIGHT, finish, write
from midflight.hotfix import Hotfix, signing
from releases import FIXED, SOURCE, body, digest, signed

APP = """
import os, sys, time
import midflight
real = time.time
time.time = lambda: real() + int(os.environ.get("AHEAD", "0"))
midflight.on("note", lambda text: print("note", text))
midflight.start(roots=[os.getcwd()], exclude=["app.py"])
time.time = real
import shop
print(shop.price())
for line in sys.stdin:
    exec(line)
"""
SETTINGS = '[tool.midflight]\nmode = "prod"\ntarget = "shop"\nkeys = ["alice.pub"]\njournal = "journal"\n'
SEND = "report = midflight.release(open('fix.release', 'rb').read()); print(report.outcome, shop.price())\n"
PATCH = "--- a/shop.py\n+++ b/shop.py\n@@ -1,2 +1,2 @@\n def price():\n-    return 1\n+    return 2\n"
SCRIPT = "import shop\ndef price():\n    return 2\nshop.price = price\n"
EVIL = SOURCE.replace("1", "666")
FORMS = {"modules": json.dumps({"shop": FIXED}), "patch": PATCH, "script": SCRIPT}


@pytest.fixture
def project(tmp_path):
    write(tmp_path, {"shop.py": SOURCE, "app.py": APP, "pyproject.toml": SETTINGS})
    for name in ("alice", "bob"):
        signing.new_key(tmp_path / name)
    return tmp_path


def start(project, script="", **env):
    code, out, errors = finish([MIDFLIGHT[0], "app.py"], project, script, **env)
    assert code == 0, errors
    return out.splitlines()


def send(project, form="modules", **more):
    fix = Hotfix(form=form, id="two", text=FORMS[form], base={"shop": digest()})
    (project / "fix.release").write_bytes(signed(body(hotfix=fix, **more), project / "alice"))
    assert start(project, SEND) == ["1", "committed 2"]
    assert start(project)[-1] == "2"


def left_out(project, *words, **env):
    """The process starts, without it, and says why; and so does the next."""
    for _ in range(2):
        *notes, price = start(project, **env)
        assert price == "1" and len(notes) == 1 and "hotfix two is NOT part of this start" in notes[0], (notes, price)
        assert all(word in notes[0] for word in words), notes


def forge(project, change):
    """Rewrite the journal as somebody would who can write there: all sums fit. change(record) changes one."""
    path, sums, lines = project / "journal" / "journal.jsonl", "", []
    for line in path.read_text().splitlines():
        record = json.loads(line)
        del record["sum"]
        change(record)
        record["follows"] = sums
        head = json.dumps(record, ensure_ascii=False)[:-1]
        sums = hashlib.sha256(head.encode()).hexdigest()
        lines.append(f'{head}, "sum": "{sums}"}}\n')
    path.write_text("".join(lines))


def keep(project, text):
    name = hashlib.sha256(text.encode()).hexdigest()
    path = project / "journal" / "texts" / name
    path.write_text(text)
    path.chmod(0o600)
    return name


@pytest.mark.parametrize("form", FORMS)
def test_it_is_judged_again_at_every_start(project, form):
    send(project, form)
    left_out(project, "good until", AHEAD="7200")
    assert start(project)[-1] == "2"                       # nothing was written down: it stays permanent
    write(project, {"pyproject.toml": SETTINGS.replace("alice", "bob")})
    left_out(project, "0 good signatures")
    write(project, {"pyproject.toml": SETTINGS.replace('"shop"', '"bar"')})
    left_out(project, "for shop, this is bar")
    write(project, {"pyproject.toml": SETTINGS.replace('["alice.pub"]', "[]")})
    left_out(project, "without keys")


def test_what_was_made_in_mode_dev_is_not_signed(project):
    write(project, {"pyproject.toml": SETTINGS.replace('"prod"', '"dev"')})
    fix = {"shop": FIXED}
    assert start(project, f"print(midflight.hotfix({fix}, id='two', permanent=True).outcome)\n") == ["1", "committed"]
    assert start(project)[-1] == "2"
    write(project, {"pyproject.toml": SETTINGS})
    left_out(project, "not signed", "midflight.retire('two')")
    assert start(project, "midflight.retire('two')\n")[-1] == "1"
    assert start(project) == ["1"]


def test_texts_that_the_release_does_not_make(project):
    send(project)
    evil = keep(project, EVIL)
    forge(project, lambda record: record["event"] == "end" and record["result"]["shop"].update(text=evil))
    left_out(project, "is not the one that it makes")


def test_a_patch_over_another_text(project):
    send(project, "patch")
    source, evil = SOURCE + "import os\n", FIXED + "import os\n"
    before, after = keep(project, source), keep(project, evil)

    def change(record):
        if record["event"] == "end":
            record["before"]["shop"], record["result"]["shop"]["text"] = before, after

    forge(project, change)
    left_out(project, "made for another shop")


@pytest.mark.parametrize("form", FORMS)
def test_another_hotfix_under_its_name(project, form):
    send(project, form)
    fix = Hotfix(form=form, id="two", text=FORMS[form].replace("2", "666"), base={"shop": digest()})
    text = keep(project, fix.text)
    forge(project, lambda record: record["event"] == "begin" and record.update(text=text, digest=fix.digest))
    left_out(project, "not that of its release")


def test_a_module_that_the_record_leaves_out(project):
    send(project)
    forge(project, lambda record: record["event"] == "end" and (record["before"].clear(), record["result"].clear()))
    left_out(project, "leaves out shop")


@pytest.mark.parametrize("change", [{"envelope": None}, {"envelope": 7}, {"envelope": "../journal.jsonl"}, {"base": {}}, {"form": "patch"}])
def test_records_that_are_no_good(project, change):
    send(project)
    forge(project, lambda record: record["event"] == "begin" and record.update(change))
    left_out(project)


def test_an_envelope_that_somebody_else_has_signed(project):
    send(project)
    fix = Hotfix(form="modules", id="two", text=json.dumps({"shop": EVIL}), base={"shop": digest()})
    envelope = keep(project, signed(body(hotfix=fix, version=2), project / "bob").decode())
    text, evil = keep(project, fix.text), keep(project, EVIL)

    def change(record):
        if record["event"] == "begin":
            record.update(text=text, digest=fix.digest, envelope=envelope)
        elif record["event"] == "end":
            record["result"]["shop"]["text"] = evil

    forge(project, change)
    left_out(project, "0 good signatures")


def test_a_text_that_is_gone(project):
    send(project)
    records = [json.loads(line) for line in (project / "journal" / "journal.jsonl").read_text().splitlines()]
    os.unlink(project / "journal" / "texts" / next(record["envelope"] for record in records if record["event"] == "begin"))
    left_out(project, "cannot be read")

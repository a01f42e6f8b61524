"""Releases as people use them: built, signed, verified, sent; limits, audit, and the modes of a process."""

import json
import os

import pytest
from helpers import MIDFLIGHT, finish, write
from midflight.hotfix import releases as release, signing
from releases import FIXED, SOURCE, body, digest, signed

APP = """
import json, os, sys
import midflight
midflight.start(roots=[os.getcwd()], exclude=["app.py"])
import shop
def show(report):
    print(report.outcome, *(reason.code for reason in report.reasons), *(note.code for note in report.notes), shop.price())
def read(name):
    with open(name, "rb") as file:
        return file.read()
for line in sys.stdin:
    exec(line)
"""
SETTINGS = '[tool.midflight]\nmode = "prod"\ntarget = "shop"\nkeys = ["alice.key.pub"]\njournal = "journal"\n'
PATCH = "--- a/src/shop.py\n+++ b/src/shop.py\n@@ -1,2 +1,2 @@\n def price():\n-    return 1\n+    return 2\n"
SEND = "show(midflight.release(read('fix.release')))\n"


@pytest.fixture
def project(tmp_path):
    write(tmp_path, {"shop.py": SOURCE, "app.py": APP, "fix.patch": PATCH, "pyproject.toml": SETTINGS})
    signing.new_key(tmp_path / "alice.key")
    return tmp_path


def midflight(folder, *arguments, stdin="", **env):
    return finish([*MIDFLIGHT, *arguments], folder, stdin, **env)


def build(project, *more, code=0):
    done = midflight(project, "build", "fix.patch", "--source", ".", "--target", "shop", "--version", "7", "--expires", "1h", *more)
    assert done[0] == code, done
    return done


def sign(project, name="fix.release"):
    done = midflight(project, "sign", name, "--key", "alice.key")
    assert done[0] == 0, done
    return done[1]


def run(project, script, **env):
    code, out, errors = finish([MIDFLIGHT[0], "app.py"], project, script, **env)
    assert code == 0, errors
    return out.splitlines()


def test_from_a_patch_to_the_next_start(project):
    assert "made for shop  " + digest()[:16] in build(project, "--permanent")[1]
    assert "for shop, version 7" in sign(project)
    done = midflight(project, "verify", "fix.release", "--key", "alice.key.pub", "--target", "shop")
    assert done[0] == 0 and ": good" in done[1] and "+    return 2" in done[1], done
    assert run(project, SEND + SEND) == ["committed 2", "rejected MF655 2"]
    assert run(project, "print(shop.price())\n" + SEND) == ["2", "rejected MF655 2"]


def test_current_and_confirmed(project):
    build(project)
    sign(project)
    assert run(project, SEND + "midflight.confirm(midflight.status()['hotfixes'][0]['id'])\n") == ["committed 2"]
    assert run(project, "print(shop.price())\n") == ["2"]


def test_a_dry_run_takes_no_version(project):
    build(project)
    sign(project)
    assert run(project, SEND.replace("'))", "'), dry_run=True)") + SEND) == ["skipped 1", "committed 2"]


def test_prod_takes_nothing_else(project):
    build(project)
    assert run(project, "show(midflight.hotfix({'shop': 'def price():\\n    return 3\\n'}))\n" + SEND) == ["rejected MF650 1", "rejected MF650 1"]


def test_prod_stays_prod(project):
    fix = "show(midflight.hotfix({'shop': 'def price():\\n    return 3\\n'}))\n"
    assert run(project, "midflight.start(mode='dev')\n" + fix, MIDFLIGHT_MODE="dev") == ["rejected MF650 1"]
    write(project, {"pyproject.toml": "[tool.midflight]\n"})
    assert run(project, fix + "midflight.start(mode='prod')\nmidflight.start(mode='dev')\n" + fix) == ["committed 3", "rejected MF650 3"]


@pytest.mark.parametrize("more, code", [
    ({"hotfix": None, "base": {"shop": "0" * 64}}, "MF601"), ({"target": "bank"}, "MF653"), ({"expires": "2020-01-01T00:00:00Z"}, "MF654"),
    ({"base": {}}, "MF656")])
def test_refused_ones_change_nothing(project, more, code):
    (project / "fix.release").write_bytes(signed(body(**more), project / "alice.key"))
    assert run(project, SEND) == [f"rejected {code} 1"]


def test_off_switches(project):
    build(project)
    sign(project)
    assert run(project, SEND, MIDFLIGHT_CONTROL="0") == ["rejected MF661 1"]
    assert run(project, "open('journal/off', 'w').close()\n" + SEND + "os.unlink('journal/off')\n" + SEND) == ["rejected MF661 1", "committed 2"]
    (project / "journal" / "off").touch()
    assert run(project, SEND.replace("fix", "no")[:0] + "print(shop.price())\n") == ["1"]       # current: not at a start
    write(project, {"pyproject.toml": "[tool.midflight]\ncontrol = false\n"})
    assert run(project, "show(midflight.hotfix({'shop': 'def price():\\n    return 3\\n'}))\n") == ["rejected MF661 1"]


def test_what_is_permanent_stays_when_control_is_off(project):
    build(project, "--permanent")
    sign(project)
    run(project, SEND)
    assert run(project, "print(shop.price())\n", MIDFLIGHT_CONTROL="0") == ["2"]
    assert run(project, "print(shop.price())\n", MIDFLIGHT_DISABLE="1") == ["1"]


def test_limits_reject_by_a_dry_run(project):
    write(project, {"pyproject.toml": "[tool.midflight]\nmax_instances = 10\n",
                    "shop.py": "class P:\n    __slots__ = ('a',)\ndef price():\n    return len(P.__slots__)\n"})
    fix = ("show(midflight.hotfix({'shop': open('shop.py').read().replace(\"'a',\", \"'a', 'b'\")}))\n")
    many = "held = [shop.P() for _ in range(11)]\n"
    assert run(project, many + fix + "held.pop()\n" + fix) == ["rejected MF660 1", "committed 2"]
    body = "show(midflight.hotfix({'shop': open('shop.py').read().replace('len(P', '9 + len(P')}))\n"
    assert run(project, many + body) == ["committed 10"]           # instances that stay as they are do not count
    assert run(project, many * 2000 + fix, MIDFLIGHT_MAX_INSTANCES="1000000", MIDFLIGHT_MAX_PAUSE_MS="60000") == ["committed 2"]
    huge = "held = [shop.P() for _ in range(200_000)]\n"
    assert run(project, huge + fix, MIDFLIGHT_MAX_INSTANCES="1000000", MIDFLIGHT_MAX_PAUSE_MS="5") == ["rejected MF659 1"]


def test_audit_events_and_an_audit_hook_that_says_no(project):
    build(project)
    sign(project)
    hook = ("def hook(event, arguments):  seen.append(event) if event.startswith('midflight.') else None\n"
            "seen = []\nsys.addaudithook(hook)\n")
    stop = "sys.addaudithook(lambda event, arguments: 1 / 0 if event == 'midflight.hotfix' else None)\n"
    assert run(project, hook + SEND + SEND + "midflight.undo()\nprint(*seen)\n")[-1] == \
        "midflight.hotfix midflight.done midflight.refused midflight.undo"
    (project / "journal").rename(project / "before")
    assert run(project, stop + SEND) == ["rejected MF662 1"]


def test_audit_goes_to_a_file_and_a_logger(project):
    write(project, {"pyproject.toml": SETTINGS + 'audit = "audit.jsonl"\n'})
    build(project)
    sign(project)
    log = ("import logging\n" "class H(logging.Handler):  emit = lambda self, record: print(json.loads(record.getMessage())['event'])\n"
           "logging.getLogger('midflight.audit').addHandler(H())\nlogging.getLogger('midflight.audit').setLevel('INFO')\n")
    assert run(project, log + SEND.replace("'))", "'), by='eve')")) == ["hotfix", "done", "committed 2"]
    lines = [json.loads(line) for line in (project / "audit.jsonl").read_text().splitlines()]
    assert [line["event"] for line in lines] == ["hotfix", "done"]
    assert lines[0]["by"] == "eve" and lines[0]["version"] == 7 and len(lines[0]["signed_by"]) == 1
    assert (project / "audit.jsonl").stat().st_mode & 0o777 == 0o600


def test_an_audit_that_cannot_be_written_prevents_the_hotfix(project):
    write(project, {"pyproject.toml": SETTINGS + 'audit = "no/audit.jsonl"\n'})
    build(project)
    sign(project)
    assert run(project, SEND) == ["rejected MF662 1"]


def test_syslog(project):
    write(project, {"pyproject.toml": SETTINGS + 'audit = "syslog"\n'})
    build(project)
    sign(project)
    lines = run(project, "import syslog\nsyslog.syslog = lambda level, text: print(text[:40])\n" + SEND)
    assert lines[0].startswith('midflight: {"event": "hotfix"') and lines[-1] == "committed 2"


# ---- the commands


def test_build_finds_the_base_of_scripts_and_modules(project):
    write(project, {"fix.py": "import shop\ndef price():\n    return 2\nshop.price = price\n", "fix.json": json.dumps({"shop": FIXED})})
    for name in ("fix.py", "fix.json"):
        done = midflight(project, "build", name, "--source", ".", "--target", "shop", "--version", "1", "--expires", "90m", "-o", "out")
        assert done[0] == 0 and "made for shop" in done[1], done
        found = release.read_signed(release.open_envelope((project / "out").read_bytes())[0])
        assert found.hotfix.base == {"shop": digest()}


def test_build_refuses_what_does_not_fit(project):
    write(project, {"shop.py": SOURCE.replace("1", "5")})
    assert "does not fit" in build(project, code=3)[2]
    (project / "shop.py").unlink()
    assert "is not under" in build(project, code=3)[2]
    assert not (project / "fix.release").exists()


@pytest.mark.parametrize("arguments, text", [
    (["--expires", "soon"], "a time like"), (["--expires", "2020-01-01T00:00:00Z"], "is over"), (["--version", "0"], "version"),
    (["--target", "a b"], "target"), (["--id", "../x"], "id"), (["--probation", "-1"], "probation")])
def test_build_says_what_is_wrong(project, arguments, text):
    assert text in build(project, *arguments, code=2)[2]


def test_a_new_key(tmp_path):
    code, out, errors = midflight(tmp_path, "sign", "--new-key", "alice.key", "--comment", "Alice A.")
    assert code == 0 and (tmp_path / "alice.key").stat().st_mode & 0o777 == 0o600, errors
    assert (tmp_path / "alice.key.pub").read_text().endswith(" Alice A.\n") and "midflight-key ed25519" in out


def test_sign_again_replaces_and_others_add(project):
    build(project)
    sign(project)
    sign(project)
    midflight(project, "sign", "--new-key", "bob.key")
    done = midflight(project, "sign", "fix.release", "--key", "bob.key")
    assert ", with 1 more" in done[1]
    both = ["--key", "alice.key.pub", "--key", "bob.key.pub"]
    assert midflight(project, "verify", "fix.release", *both, "--threshold", "2")[0] == 0
    assert "3 are needed" in midflight(project, "verify", "fix.release", *both, "--threshold", "3")[1]


def test_sign_takes_no_key_that_others_can_read_or_write(project):
    build(project)
    (project / "alice.key").chmod(0o640)
    done = midflight(project, "sign", "fix.release", "--key", "alice.key")
    assert done[0] == 2 and "can be read by others; chmod 600" in done[2]
    assert midflight(project, "sign", "--new-key", "alice.key")[2].endswith("a key is never overwritten\n")
    (project / "fifo").symlink_to("/dev/zero")
    assert midflight(project, "sign", "fix.release", "--key", "fifo")[0] == 2


def test_keys_with_a_passphrase(project):
    build(project)
    midflight(project, "sign", "--new-key", "safe.key", MIDFLIGHT_PASSPHRASE="open sesame")
    assert midflight(project, "sign", "fix.release", "--key", "safe.key")[0] == 2
    assert midflight(project, "sign", "fix.release", "--key", "safe.key", MIDFLIGHT_PASSPHRASE="wrong")[0] == 2
    assert midflight(project, "sign", "fix.release", "--key", "safe.key", MIDFLIGHT_PASSPHRASE="open sesame")[0] == 0


def test_verify_names_what_is_not_good(project):
    build(project)
    done = midflight(project, "verify", "fix.release", "--target", "bank", "--json")
    assert done[0] == 3 and json.loads(done[1])["problems"] == ["not signed", "it is for shop, not for bank"]
    (project / "fix.release").write_bytes(b"garbage")
    assert midflight(project, "verify", "fix.release")[0] == 3 and midflight(project, "sign", "fix.release", "--key", "alice.key")[0] == 3
    assert midflight(project, "verify", "none")[0] == 2 and midflight(project, "verify", "fix.release", "--threshold", "0")[0] == 2


def test_verify_shows_what_a_terminal_would_hide(project):
    text = body(text="A = 1 # \x1b[2K\u202e hidden\n")
    (project / "fix.release").write_bytes(signed(text, project / "alice.key"))
    out = midflight(project, "verify", "fix.release", "--key", "alice.key.pub")[1]
    assert "\\x1b[2K\\u202e" in out and "\x1b" not in out


@pytest.mark.parametrize("command", ["build", "sign", "verify"])
def test_help_teaches(tmp_path, command):
    code, out, _ = midflight(tmp_path, command, "--help")
    assert code == 0 and f"midflight {command} " in out and "exit code" in out


def test_without_the_library_it_says_what_to_install(project, monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "cryptography.exceptions", None)
    with pytest.raises(signing.KeyProblem, match=r"midflight\[sign\]"):
        signing.signers("", [], {})
    assert os.path.exists(project / "alice.key")

"""A hotfix from the command line to the next start: sent, confirmed, retired; signed ones only; switched off."""

import json

import pytest
from helpers import MIDFLIGHT, save, write
from live import LIB, Live, ask
from midflight.hotfix import signing

RUN = (*MIDFLIGHT, "run", "--no-watch", "--journal", "journal", "app.py")
PATCH = "--- a/lib.py\n+++ b/lib.py\n@@ -1,2 +1,2 @@\n def answer():\n-    return 1\n+    return 2\n"
PROD = '[tool.midflight]\nmode = "prod"\ntarget = "shop"\nkeys = ["alice.pub"]\nname = "shop"\n'


@pytest.fixture
def live(tmp_path):
    live = Live(tmp_path)
    write(tmp_path, {"fix.patch": PATCH})
    return live


def answer(live):
    """What a fresh start answers."""
    with live.program(*RUN) as program:
        program.lines_until("ready")
        return ask(program, "lib.answer()")


def test_sent_confirmed_and_there_after_a_kill(live):
    with live.program(*RUN) as program:
        program.lines_until("ready")
        pid = program.process.pid
        assert live.command("hotfix", pid, "fix.patch", "--id", "two")[0] == 0
        assert ask(program, "lib.answer()") == "2"
        code, out, _ = live.command("confirm", pid, "two")
        assert code == 0 and "hotfix two is permanent: every start has it" in out
        records = live.json("history", pid)["processes"][0]["journal"]
        assert [record["event"] for record in records] == ["start", "begin", "end", "state"]
        program.process.kill()
    assert answer(live) == "2"
    with live.program(*RUN) as program:
        program.lines_until("ready")
        assert live.json("status", program.process.pid)["processes"][0]["hotfixes"][0]["state"] == "permanent"
        assert live.json("retire", program.process.pid, "two")["outcome"] == "committed"
        assert ask(program, "lib.answer()") == "2"
    assert answer(live) == "1"


def test_permanent_at_once_and_undone(live):
    with live.program(*RUN) as program:
        program.lines_until("ready")
        assert live.command("hotfix", program.process.pid, "fix.patch", "--permanent")[0] == 0
    assert answer(live) == "2"
    with live.program(*RUN) as program:
        program.lines_until("ready")
        save(live.folder / "fix3.patch", PATCH.replace("return 2", "return 3").replace("return 1", "return 2"))
        assert live.command("hotfix", program.process.pid, "fix3.patch", "--permanent")[0] == 0
        assert ask(program, "lib.answer()") == "3"
        assert live.command("undo", program.process.pid)[0] == 0
    assert answer(live) == "2"


def test_what_cannot_be_confirmed_is_said(live):
    with live.program(*RUN) as program:
        program.lines_until("ready")
        pid = program.process.pid
        code, out, _ = live.command("confirm", pid, "none")
        assert code == 3 and "knows no hotfix none" in out
        assert live.command("confirm", pid)[0] == 2
    with live.program() as program:
        program.lines_until("ready")
        assert "keeps no journal" in live.command("confirm", program.process.pid, "none")[1]


def test_signed_releases_only(live):
    signing.new_key(live.folder / "alice")
    write(live.folder, {"pyproject.toml": PROD})
    assert live.command("build", "fix.patch", "--source", ".", "--target", "shop", "--version", "3", "--expires", "1h", "--permanent")[0] == 0
    with live.program(*RUN) as program:
        program.lines_until("ready")
        pid = program.process.pid
        assert "signed releases only" in "".join(live.command("hotfix", pid, "fix.patch")[1:])
        assert "not signed" in "".join(live.command("hotfix", pid, "fix.release", "--release")[1:])
        assert live.command("sign", "fix.release", "--key", "alice")[0] == 0
        save(live.folder / "lib.py", LIB.replace("1", "9"))
        assert live.command("update", pid)[0] == 3 and ask(program, "lib.answer()") == "1"
        save(live.folder / "lib.py", LIB)
        (live.folder / "journal" / "off").touch()
        assert "switched off by the file" in "".join(live.command("hotfix", pid, "fix.release", "--release")[1:])
        assert "switched off by the file" in "".join(live.command("undo", pid)[1:])
        (live.folder / "journal" / "off").unlink()
        code, out, errors = live.command("hotfix", pid, "fix.release", "--release")
        assert code == 0, (out, errors)
        assert ask(program, "lib.answer()") == "2"
        assert "not higher than 3" in "".join(live.command("hotfix", pid, "fix.release", "--release")[1:])
    assert answer(live) == "2"


def test_no_door_where_control_is_off(live):
    with live.program(*RUN, MIDFLIGHT_CONTROL="0") as program:
        program.lines_until("ready")
        assert live.sockets() == [] and live.command("status", program.process.pid)[0] == 5


def test_two_controllers_at_once_leave_one_history(live):
    with live.program(*RUN) as program:
        program.lines_until("ready")
        pid = program.process.pid
        scripts = [f"import lib\nlib.N{number} = {number}\n" for number in range(4)]
        write(live.folder, {f"s{number}.py": text for number, text in enumerate(scripts)})
        import concurrent.futures

        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            codes = list(pool.map(lambda number: live.command("hotfix", pid, f"s{number}.py", "--permanent")[0], range(4)))
        assert codes == [0] * 4 and ask(program, "[lib.N0, lib.N1, lib.N2, lib.N3]") == "[0, 1, 2, 3]"
        states = {one["state"] for one in live.json("status", pid)["processes"][0]["hotfixes"]}
        assert states == {"permanent"}
        lines = (live.folder / "journal" / "journal.jsonl").read_text().splitlines()
        assert [json.loads(line)["n"] for line in lines] == list(range(1, len(lines) + 1))

"""A Python that is not as midflight knows it: importing works, every update is rejected with that reason, nothing breaks.

The lever fail_probe=N makes the Nth probe of the import say no, in a process of its own.
"""
import json

import pytest

from helpers import MIDFLIGHT, PYTHON, RUN, Program, finish, save, write

REASONS = {
    1: "this version of Python is not known to midflight",
    2: "the collector's lists are not as midflight knows them",
    3: "the layouts of objects are not as midflight knows them",
    4: "the references of objects are not as midflight knows them",
    5: "hash tables are not as midflight knows them",
}

DRIVE = """
    import json
    import midflight
    midflight.start(roots=["."])
    heard = []
    midflight.on("rejected", lambda report: heard.append(report.outcome))
    import m
    with open("m.py", "w") as f:
        f.write("def f():\\n    return 2222\\n")
    reports = [midflight.update(["m.py"]), midflight.update(), midflight.update(sources={"m": "x = 1\\n"}),
               midflight.update(dry_run=True), midflight.plan(), midflight.undo()]
    try:
        midflight.reload(m)
    except midflight.UpdateRejected as error:
        reports.append(error.report)
    midflight.track("data.txt", print)
    with midflight.hold():
        pass
    assert midflight.poll() is None
    midflight.watch()
    midflight.unwatch()
    print(json.dumps({"f": m.f(), "reports": [json.loads(r.to_json()) for r in reports],
                      "heard": heard, "history": len(midflight.history()), "status": midflight.status()}))
"""


@pytest.mark.parametrize("number", REASONS)
def test_every_update_is_rejected(tmp_path, number):
    write(tmp_path, {"m.py": "def f():\n    return 1\n", "drive.py": DRIVE})
    code, out, err = finish([*PYTHON, "drive.py"], tmp_path, MIDFLIGHT_LEVERS=f"fail_probe={number}")
    assert code == 0, err
    data = json.loads(out)
    assert data["f"] == 1 and len(data["reports"]) == 7
    for report in data["reports"]:
        assert report["outcome"] == "rejected", report
        [reason] = report["reasons"]
        assert reason["code"] == "MF903" and REASONS[number] in reason["text"], reason
    assert data["reports"][0]["files"] == [str(tmp_path / "m.py")]
    assert set(data["heard"]) == {"rejected"} and data["history"] == len(data["heard"]) == 5
    assert data["status"]["supported"] is False and REASONS[number] in data["status"]["why"]


def test_the_probes_pass_here(tmp_path):
    assert finish([*PYTHON, "-c", "from midflight import _engine; print(_engine.supported())"], tmp_path)[1] == "None\n"


def test_doctor_says_why(tmp_path):
    write(tmp_path, {"app.py": ""})
    code, out, _ = finish([*MIDFLIGHT, "doctor"], tmp_path, MIDFLIGHT_LEVERS="fail_probe=1")
    assert code == 3 and REASONS[1] in out


def test_run_runs_the_program_and_says_why(tmp_path):
    write(tmp_path, {"pyproject.toml": "", "m.py": "def f():\n    return 1\n", "app.py": """
        import m
        print("ready", flush=True)
        input()
        print(m.f(), flush=True)
    """})
    with Program([*RUN, "app.py"], tmp_path, MIDFLIGHT_LEVERS="fail_probe=2") as program:
        program.lines_until("ready")
        save(tmp_path / "m.py", "def f():\n    return 2\n")
        program.said(REASONS[2])
        assert program.end("\n")[:2] == (0, "1\n")

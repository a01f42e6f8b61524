"""The text and the JSON of reports."""

import json
import os
import pickle

import pytest
from midflight import Entry, Reason, Report


def entry(code="MF101", op="~", name=None, text="", file=None, line=None, module=None):
    return {"code": code, "op": op, "module": module, "name": name, "file": file, "line": line, "text": text}


def report(**data):
    data = {"number": 12, "outcome": "committed", "running": 12, "timings": {"total": 1.1}, "pause_ms": 0.04, **data}
    return Report(data)


@pytest.fixture(autouse=True)
def in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    return tmp_path


def path(name):
    return os.path.join(os.getcwd(), name)


def test_the_line_of_a_commit():
    got = report(files=[path("shop/prices.py")], changed=[
        entry(name="Shop.total"), entry(op="+", name="Shop.refund"),
        *[entry(code="MF104", name="TAX", text="TAX 0.19 -> 0.20", module=module) for module in ("prices", "a", "b", "c")]])
    assert str(got) == ("midflight  #12  shop/prices.py  ~Shop.total  +Shop.refund  TAX 0.19 -> 0.20 (3 importers)"
                        "     1.1 ms (stopped 0.04)")


def test_verbose_names_each_once():
    got = report(changed=[entry(name="Shop.total", text="Shop.total"), entry("MF104", name="TAX", text="TAX 1 -> 2")])
    assert got.text(verbose=True).splitlines()[1:] == ["midflight       ~ Shop.total", "midflight       ~ TAX  1 -> 2"]


def test_long_values_are_cut():
    long = entry("MF104", name="NAMES", text="NAMES " + "x" * 40 + " -> " + "y" * 40)
    first = str(report(changed=[long, long]))
    assert "NAMES xxxx" in first and "x... (1 importer)" in first and "y" not in first
    assert "y" * 40 in report(changed=[long]).text(verbose=True)


def test_the_lines_of_a_rejection():
    got = report(number=13, outcome="rejected", files=[path("shop/cart.py")], reasons=[
        entry("MF401", "=", text="SyntaxError: '(' was never closed", file=path("shop/cart.py"), line=41),
        entry("MF402", "=", text="the layout of Cart cannot change", file=path("shop/cart.py"), line=50)])
    first, second = str(got).splitlines()
    assert first.startswith("midflight  #13  REJECTED shop/cart.py:41  SyntaxError: '(' was never closed   ")
    assert first.endswith("   still running #12")
    assert second == "midflight       shop/cart.py:50  the layout of Cart cannot change"
    assert [type(reason) for reason in got.reasons] == [Reason, Reason]


def test_before_the_first_commit():
    assert str(report(number=1, running=0, outcome="rejected")).endswith("still running as started")


def test_a_straggler_has_its_line():
    got = report(files=[path("app.py")], stragglers=[
        entry("MF501", "=", text="main() (app.py:88) still runs #11, 1 frame", file=path("app.py"), line=88)])
    assert str(got).splitlines()[1] == "midflight       main() (app.py:88) still runs #11, 1 frame"


def test_what_was_kept_has_its_line():
    got = report(files=[path("app.py")], kept=[entry("MF201", "=", name="LEVEL", text="LEVEL keeps 7: changed at run time",
                                                     file=path("conf.py"), line=3)])
    assert str(got).splitlines()[1] == "midflight       conf.py:3  LEVEL keeps 7: changed at run time"


def test_skipped_and_rolled_back():
    assert str(report(number=0, outcome="skipped")) == "midflight  --   skipped  nothing differs from what runs"
    got = str(report(outcome="rolled back", running=11, reasons=[entry("MF901", "=", text="a write failed")]))
    assert got.startswith("midflight  #12  ROLLED BACK a write failed ") and got.endswith("still running #11")


def test_long_reports_are_cut_unless_verbose():
    many = [entry(name=f"f{number}", text="code exchanged") for number in range(20)]
    got = report(files=[path(f"m{number}.py") for number in range(5)], changed=many)
    assert "m0.py, m1.py, m2.py, and 2 more files  ~f0" in str(got) and "~f4  and 15 more" in str(got)
    assert len(got.text(verbose=True).splitlines()) == 21 and "~f19" in got.text(verbose=True)
    got = report(notes=[entry("MF301", "=", text=f"note {number}") for number in range(9)])
    assert str(got).splitlines()[-1] == "midflight       and 4 more"
    assert len(got.text(verbose=True).splitlines()) == 10


def test_narrow_terminals_get_no_padding():
    got = report(files=[path("a.py")], changed=[entry(name="f")])
    assert got.lines(width=80)[0][0] == "midflight  #12  a.py  ~f   1.1 ms (stopped 0.04)"


def test_a_plan_is_shown():
    got = report(outcome="skipped", dry_run=True, files=[path("shop.py")], plan=["exchange code of shop:Shop.total", "run TAX = ..."])
    assert str(got).splitlines()[0] == "midflight  --   would commit  shop.py"
    assert str(got).splitlines()[1:] == ["midflight       exchange code of shop:Shop.total", "midflight       run TAX = ..."]


def test_what_a_dry_run_foresees_is_data_and_a_line():
    figures = {"references": 7, "instances": 2, "pause_ms": 0.014}
    got = report(outcome="skipped", dry_run=True, files=[path("shop.py")], foreseen=figures)
    assert str(got).splitlines() == ["midflight  --   would commit  shop.py",
                                     "midflight       references that follow: 7; instances to migrate: 2; estimated pause: 0.01 ms"]
    assert json.loads(got.to_json())["foreseen"] == figures and got.foreseen == figures and got.plan == ()


def test_a_dry_run_says_so():
    got = report(outcome="skipped", dry_run=True, files=[path("shop.py")], changed=[entry(name="f")])
    assert str(got) == "midflight  --   would commit  shop.py  ~f"
    got = report(outcome="rejected", dry_run=True, reasons=[entry("MF401", "=", text="no")])
    assert str(got).startswith("midflight  --   WOULD BE REJECTED no ")


def test_json_has_everything():
    got = report(files=[path("a.py")], changed=[entry(name="f", module="a", line=3, file=path("a.py"))])
    data = json.loads(got.to_json())
    assert data["event"] == "update" and data["changed"] == [entry(name="f", module="a", line=3, file=path("a.py"))]
    assert set(data) >= {"number", "outcome", "files", "kept", "notes", "reasons", "stragglers", "timings", "pause_ms",
                         "running", "dry_run", "plan"} and "foreseen" not in data
    assert "\n" not in got.to_json()


def test_reports_travel():
    got = pickle.loads(pickle.dumps(report(changed=[entry(name="f")], reasons=[entry("MF401")])))
    assert str(got) == str(report(changed=[entry(name="f")], reasons=[entry("MF401")]))
    assert isinstance(got.changed[0], Entry) and got.changed[0].code == "MF101"


def test_outside_the_working_folder():
    assert "/elsewhere/x.py" in str(report(files=["/elsewhere/x.py"]))
    folder = os.path.join(os.getcwd(), "gone")
    os.mkdir(folder)
    os.chdir(folder)
    os.rmdir(folder)
    assert "/elsewhere/x.py" in str(report(files=["/elsewhere/x.py"]))

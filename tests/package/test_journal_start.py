"""A start with a journal: permanent hotfixes are there before the program's own code, whole or not at all."""

import json
import os

import pytest
from helpers import MIDFLIGHT, RUN, finish, write

FILES = {
    "shop/__init__.py": "",
    "shop/prices.py": "TAX = 1\nSEEN = []\ndef total(n):\n    return n + TAX\n",
    "shop/cart.py": "from shop.prices import total, TAX, SEEN\nheld = total\nAT_IMPORT = TAX + 10\nSEEN.append('cart')\n"
                    "def ask():\n    return held(10), TAX, AT_IMPORT\n",
    "app.py": """
        import os, sys
        import midflight
        if "started" not in sys.argv:
            midflight.start(roots=[os.getcwd()], journal="journal", exclude=["app.py"])
        import shop.cart, shop.prices
        print(*shop.cart.ask(), shop.prices.SEEN)
        def fix(given, **more):
            report = midflight.hotfix(given, **more)
            print(report.outcome, *(note.text for note in report.notes), *(reason.text for reason in report.reasons))
        def text(name):
            return open(name, encoding="utf-8").read()
        for line in sys.stdin:
            exec(line)
    """,
}
TAX2 = "fix({'shop.prices': text('shop/prices.py').replace('TAX = 1', 'TAX = 2')}, id='tax', permanent=True)\n"
BOTH = ("fix({'shop.prices': text('shop/prices.py').replace('n + TAX', 'n * TAX'), 'shop.cart': text('shop/cart.py')"
        ".replace('held(10)', 'held(20)')}, id='both', permanent=True)\n")
SCRIPT = "fix('import shop.prices\\ndef total(n):\\n    return n * 100\\nshop.prices.total = total\\n', id='script', permanent=True)\n"


@pytest.fixture
def project(tmp_path):
    return write(tmp_path, FILES)


def run(project, stdin="", *arguments, code=0, command=None):
    done = finish(command or [*MIDFLIGHT[:1], "app.py", *arguments], project, stdin)
    assert done[0] == code, done[2]
    return done[1].splitlines(), done[2]


def states(project):
    lines, _ = run(project, "print({f['id']: f['state'] for f in midflight.status()['hotfixes']})\n")
    return eval(lines[-1])


def test_edited_modules_are_there_before_the_importers(project):
    assert run(project, TAX2 + "print(*shop.cart.ask())\n")[0] == ["11 1 11 ['cart']", "committed", "12 2 12"]
    assert run(project)[0] == ["12 2 12 ['cart']"]
    assert run(project)[0] == ["12 2 12 ['cart']"]


def test_a_patch_and_two_modules_at_once(project):
    patch = "--- a/shop/prices.py\n+++ b/shop/prices.py\n@@ -1,1 +1,1 @@\n-TAX = 1\n+TAX = 7\n"
    run(project, f"fix({patch!r}, id='patch', permanent=True)\n")
    lines, _ = run(project, "fix({'shop.cart': text('shop/cart.py').replace('held(10)', 'held(20)')}, id='b', permanent=True)\n")
    assert lines == ["17 7 17 ['cart']", "committed"]
    assert run(project)[0] == ["27 7 17 ['cart']"] and states(project) == {"patch": "permanent", "b": "permanent"}


def test_under_run_with_an_option_and_as_main(project):
    run(project, TAX2)
    write(project, {"main.py": "import shop.cart\nN = 1\nprint(*shop.cart.ask(), N, __name__, __file__)\nimport midflight, sys\n"
                    "if sys.argv[1:]:\n    report = midflight.hotfix({'__main__': open('main.py').read().replace('N = 1', 'N = 5')},"
                    " id='main', permanent=True)\n    print(report.outcome, *report.reasons)\n"})
    command = [*RUN, "--no-watch", "--journal", "journal"]
    lines, errors = run(project, command=[*command, "main.py", "fix"])
    assert lines[0].startswith("12 2 12 1 __main__") and "hotfix tax is part of this start: shop.prices" in errors
    if lines[1] == "committed":
        assert run(project, command=[*command, "main.py"])[0][0].startswith("12 2 12 5 __main__")
        assert run(project, command=[*command, "-m", "main"])[0][0].startswith("12 2 12 5 __main__")


def test_current_ones_do_not_come_back(project):
    run(project, TAX2.replace("permanent=True", "permanent=False"))
    assert run(project)[0] == ["11 1 11 ['cart']"] and states(project) == {"tax": "old"}


def test_confirm_retire_and_take_back(project):
    run(project, TAX2.replace("permanent=True", "permanent=False") + "midflight.confirm('tax')\n")
    assert run(project)[0] == ["12 2 12 ['cart']"]
    lines, _ = run(project, "print(midflight.take_back('tax').outcome, *shop.cart.ask())\n")
    assert lines[-1] == "committed 11 1 11"
    assert run(project)[0] == ["11 1 11 ['cart']"]
    run(project, TAX2)
    run(project, "midflight.retire('tax')\n")
    assert run(project)[0] == ["11 1 11 ['cart']"]


def test_an_undo_is_remembered(project):
    lines, _ = run(project, TAX2 + "print(midflight.undo().outcome)\n")
    assert lines[-1] == "committed"
    assert run(project)[0] == ["11 1 11 ['cart']"] and states(project) == {"tax": "old"}


def test_take_back_in_the_process_that_applied_it(project):
    lines, _ = run(project, TAX2 + "print(midflight.take_back('tax').outcome, *shop.cart.ask())\n"
                   "print(midflight.take_back('tax').outcome)\n")
    assert lines[-2:] == ["committed 11 1 11", "rejected"]


def test_a_source_that_contains_it_sets_it_aside(project):
    run(project, TAX2)
    write(project, {"shop/prices.py": FILES["shop/prices.py"].replace("TAX = 1", "TAX = 2")})
    assert run(project)[0] == ["12 2 12 ['cart']"] and states(project) == {"tax": "old"}
    records = [json.loads(line) for line in (project / "journal" / "journal.jsonl").read_text().splitlines()]
    assert any(record.get("why", "").startswith("superseded") for record in records)


def test_a_source_that_contains_the_last_contains_those_before(project):
    run(project, TAX2)
    run(project, "fix({'shop.prices': text('shop/prices.py').replace('TAX = 1', 'TAX = 3')}, id='three', permanent=True)\n")
    assert run(project)[0] == ["13 3 13 ['cart']"]
    write(project, {"shop/prices.py": FILES["shop/prices.py"].replace("TAX = 1", "TAX = 3")})
    assert run(project)[0] == ["13 3 13 ['cart']"] and states(project) == {"tax": "old", "three": "old"}


def test_a_source_that_contains_the_first_gets_the_second(project):
    run(project, TAX2)
    run(project, "fix({'shop.prices': text('shop/prices.py').replace('TAX = 1', 'TAX = 3')}, id='three', permanent=True)\n")
    write(project, {"shop/prices.py": FILES["shop/prices.py"].replace("TAX = 1", "TAX = 2")})
    assert run(project)[0] == ["13 3 13 ['cart']"] and states(project) == {"tax": "old", "three": "permanent"}


EDITED = {"shop/prices.py": FILES["shop/prices.py"].replace("n + TAX", "n - TAX")}


def test_another_source_gets_none_of_it_and_says_so(project):
    run(project, BOTH)
    write(project, EDITED)
    assert run(project)[0][0].startswith("9 1 11")
    _, errors = run(project, command=[*RUN, "--no-watch", "--journal", "journal", "app.py", "started"])
    assert "hotfix both is NOT part of this start: shop.prices is neither what it was made for" in errors
    assert "has changed in the same definitions" in errors and "midflight.retire('both')" in errors
    assert states(project) == {"both": "permanent"}
    write(project, {name: FILES[name] for name in EDITED})
    assert run(project)[0][0].startswith("20 1 11")


def test_a_source_that_contains_half_of_it_gets_the_other_half(project):
    run(project, BOTH)
    write(project, {"shop/cart.py": FILES["shop/cart.py"].replace("held(10)", "held(20)")})
    assert run(project)[0][0].startswith("20 1 11") and states(project) == {"both": "permanent"}


def test_a_source_that_has_changed_elsewhere_keeps_it(project):
    run(project, BOTH)
    write(project, {"shop/prices.py": FILES["shop/prices.py"].replace("TAX = 1", "TAX = 3") + "NEW = 1\n"})
    lines, _ = run(project, "print(shop.prices.NEW, midflight.plan().outcome)\n")
    assert lines[0].startswith("60 3 13") and lines[1] == "1 skipped"
    run(project, "fix({'shop.prices': text('shop/prices.py').replace('n + TAX', 'n * TAX').replace('NEW = 1', 'NEW = 2')}, id='n', permanent=True)\n")
    assert run(project, "print(shop.prices.NEW)\n")[0] == ["60 3 13 ['cart']", "2"]
    write(project, {"shop/prices.py": FILES["shop/prices.py"].replace("n + TAX", "n * TAX"),
                    "shop/cart.py": FILES["shop/cart.py"].replace("held(10)", "held(20)").replace("TAX + 10", "TAX + 20")})
    run(project)
    assert states(project)["both"] == "old"


def test_one_that_is_pinned_does_not_follow_to_another_source(project):
    run(project, "given = text('shop/prices.py')\nfrom midflight.hotfix import digest_of\n"
                 "fix({'shop.prices': given.replace('TAX = 1', 'TAX = 2'), 'midflight-base': {'shop.prices': digest_of(given)}}, id='p', permanent=True)\n")
    assert run(project)[0] == ["12 2 12 ['cart']"]
    write(project, {"shop/prices.py": FILES["shop/prices.py"] + "NEW = 1\n"})
    assert run(project)[0] == ["11 1 11 ['cart']"] and states(project) == {"p": "permanent"}


def test_files_that_move_with_their_folder(project, tmp_path_factory):
    run(project, TAX2)
    other = tmp_path_factory.mktemp("other") / "place"
    os.rename(project, other)
    assert run(other)[0] == ["12 2 12 ['cart']"]


def test_a_module_that_is_loaded_before_the_start_gets_it_by_an_update(project):
    run(project, TAX2)
    write(project, {"app.py": "import shop.cart\nprint(*shop.cart.ask())\n" + FILES["app.py"].replace("\n        ", "\n")})
    lines, _ = run(project)
    assert lines == ["11 1 11", "12 2 11 ['cart']"]         # AT_IMPORT: its base is not known of modules loaded before


def test_a_damaged_journal_stops_the_start_with_file_and_line(project):
    run(project, TAX2)
    path = project / "journal" / "journal.jsonl"
    lines = path.read_bytes().splitlines(True)
    path.write_bytes(lines[0] + lines[1].replace(b"tax", b"tex") + b"".join(lines[2:]))
    _, errors = run(project, code=2, command=[*RUN, "--no-watch", "--journal", "journal", "app.py", "started"])
    assert f"{path}:2: this record is damaged" in errors and "move the folder away" in errors
    assert "JournalError" in run(project, code=1)[1]
    _, errors = run(project, command=["env", "MIDFLIGHT_DISABLE=1", *RUN, "--journal", "journal", "app.py", "started"])


def test_a_hotfix_that_the_journal_does_not_take_is_not_applied(project):
    (project / "journal").mkdir(mode=0o700)
    lines, _ = run(project, "from midflight.journal import book\nimport errno\ndef full(*_): raise OSError(errno.ENOSPC, 'disk full')\n"
                   "book.os.posix_fallocate = full\n" + TAX2 + "print(*shop.cart.ask())\n")
    assert "rejected" in lines[1] and "disk full" in lines[1] and lines[2] == "11 1 11"


def test_settings_name_the_folder_too(project):
    write(project, {"pyproject.toml": '[tool.midflight]\njournal = "journal"\n'})
    run(project, "midflight.start(); " + TAX2, "started")
    assert run(project, command=[*RUN, "--no-watch", "app.py", "started"])[0] == ["12 2 12 ['cart']"]
    done = finish([*MIDFLIGHT, "run", "--no-watch", "app.py", "started"], project, MIDFLIGHT_JOURNAL="other")
    assert done[1].splitlines() == ["11 1 11 ['cart']"] and (project / "other").is_dir()


def test_without_a_journal_permanent_says_that_it_is_not(project):
    lines, _ = run(project, "midflight.start(roots=[os.getcwd()])\n" + TAX2, "started")
    assert lines[1].startswith("committed not permanent: there is no journal")

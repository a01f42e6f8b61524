"""Permanent scripts at a start: in at the end of the import of what they change, before anybody uses it."""

import pytest
from helpers import RUN, write
from test_journal_start import FILES, SCRIPT, TAX2, run, states

@pytest.fixture
def project(tmp_path):
    return write(tmp_path, FILES)


def test_a_script_is_there_before_the_importers(project):
    assert run(project, SCRIPT + "print(*shop.cart.ask())\n")[0][1:] == ["committed", "1000 1 11"]
    assert run(project)[0] == ["1000 1 11 ['cart']"]
    assert run(project, "print(midflight.take_back('script').outcome, *shop.cart.ask())\n")[0][1:] == ["committed 11 1 11"]
    assert run(project)[0] == ["11 1 11 ['cart']"] and states(project) == {"script": "old"}


def test_a_copy_that_is_used_while_it_is_imported_has_it(project):
    run(project, SCRIPT)
    write(project, {"shop/cart.py": FILES["shop/cart.py"].replace("TAX + 10", "total(1)")})
    assert run(project)[0] == ["1000 1 100 ['cart']"]


def test_what_was_sent_before_and_after_it_keeps_its_order(project):
    run(project, TAX2)
    run(project, SCRIPT)
    later = ("fix({'shop.prices': text('shop/prices.py').replace('TAX = 1', 'TAX = 2').replace('n + TAX', 'n - TAX')},"
             " id='later', permanent=True)\nprint(*shop.cart.ask())\n")
    lines, _ = run(project, later)
    assert lines[1].startswith("committed")
    assert run(project)[0][0].rpartition(" [")[0] == lines[2]


def test_a_script_on_several_modules(project):
    run(project, "fix('import shop.cart, shop.prices\\nshop.cart.EXTRA = 5\\nshop.prices.EXTRA = 6\\n', id='two', permanent=True)\n")
    assert run(project, "print(shop.cart.EXTRA, shop.prices.EXTRA)\n")[0][1:] == ["5 6"]


def test_a_module_that_is_not_imported_this_time(project):
    write(project, {"lonely.py": "A = 1\n", "app.py": FILES["app.py"].replace("import shop.cart", "import lonely, shop.cart")})
    run(project, "fix('import lonely\\nlonely.A = 2\\n', id='alone', permanent=True)\n")
    run(project, SCRIPT)
    write(project, {"app.py": FILES["app.py"]})
    assert run(project, "import lonely; print(lonely.A)\n")[0] == ["1000 1 11 ['cart']", "2"]


def test_a_script_that_fails_is_said_and_stays_permanent(project):
    run(project, SCRIPT)
    write(project, {"shop/prices.py": FILES["shop/prices.py"] + "def _(): total = 1\n"})
    broken = "fix('import shop.prices\\nshop.prices.OTHER = shop.prices.SEEN[0] + \"!\"\\n', id='broken', permanent=True)\n"
    assert run(project, broken)[0][1] == "committed"
    _, errors = run(project, command=[*RUN, "--no-watch", "--journal", "journal", "app.py", "started"])
    assert "hotfix broken is NOT part of this start: " in errors and "IndexError" in errors
    assert states(project)["broken"] == "permanent"


def test_nothing_is_left_in_the_import_system(project):
    run(project, SCRIPT + TAX2)
    lines, _ = run(project, "print({type(m.__spec__).__name__ for m in list(sys.modules.values()) if getattr(m, '__spec__', None)})\n")
    assert lines[-1] == "{'ModuleSpec'}"


def test_a_later_update_of_the_file_keeps_what_it_does_not_touch(project):
    run(project, TAX2)
    lines, _ = run(project, "print(midflight.update().outcome, *shop.cart.ask())\n"
                   "new = text('shop/prices.py').replace('n + TAX', 'n * TAX')\nopen('shop/prices.py', 'w').write(new)\n"
                   "print(midflight.update().outcome, *shop.cart.ask())\n")
    assert lines[1:] == ["skipped 12 2 12", "committed 20 2 12"]

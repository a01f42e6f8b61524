"""What undo remembers of earlier texts: each text as it was, in the memory that the edits take, not the files."""
import sys

from helpers import finish, write

BEGIN = """
    import importlib, os, sys, tracemalloc
    import midflight
    from midflight import _engine
    import a, b

    def save(module, text):
        with open(module.__file__, "w") as file:
            file.write(text)

    def update(module, text):
        save(module, text)
        report = midflight.update([module.__file__])
        assert report.outcome == "committed", report

    def live():
        return tuple(_engine.texts()[name][1].decode() for name in ("a", "b"))

    LONG = "".join(f"def f{i}():\\n    return {i}\\n\\n\\n" for i in range(400))
    save(a, LONG)
    importlib.reload(a)
    midflight.start(roots=[os.getcwd()])
    """
THERE_AND_BACK = """
    seen = [live()]
    for i in range(1, 31):
        if i % 3 == 0:
            update(b, f"X = {i}\\n")                                            # all of it is new
        elif i % 5 == 0:
            update(a, "def g():\\n    return 'a short one'\\n")                  # nothing is like it
        else:
            update(a, LONG.replace(f"return {i * 7}\\n", f"return 'new {i}'\\n") + f"def g():\\n    return {i}\\n")
        seen.append(live())
    chain = midflight.api.chain()
    for way in range(2):
        for i in range(29, -1, -1):
            assert midflight.undo().outcome == "committed" and live() == seen[i], i
        midflight.undo(to=1000)                                                 # all of it again
        assert live() == seen[30]
    midflight.undo(to=chain[9])
    assert live() == seen[9]
    midflight.plan()
    midflight.undo(dry_run=True)
    midflight.undo(to=chain[4])
    assert live() == seen[4]
    update(a, LONG)
    assert midflight.api.chain()[:4] == chain[:4]
    for i in (4, 3, 2, 1, 0):
        assert midflight.undo().outcome == "committed" and live() == seen[i], i
    print("same")
    """
RELOADED = """
    update(a, LONG + "Y = 1\\n")
    update(a, LONG + "Y = 2\\n")
    save(a, "Y = 3\\n")
    importlib.reload(a)
    midflight.undo()
    assert live()[0] == LONG + "Y = 1\\n" and a.Y == 1 and a.f7() == 7, a.Y
    midflight.undo()
    assert live()[0] == LONG and not hasattr(a, "Y")
    print("same")
    """
MEMORY = """
    LONG = LONG.replace("return", "return  " + "1 + " * 40)
    for i in range(40):
        update(a, LONG + f"Y = {i}\\n")                                          # what grows once has grown
    tracemalloc.start()
    for i in range(60):
        update(a, LONG + f"Y = {i}\\n")
    grown = tracemalloc.get_traced_memory()[0]
    print(grown < 60 * len(LONG) / 4, grown, len(LONG))
    """


def run(folder, body):
    write(folder, {"pyproject.toml": "", "a.py": "", "b.py": "X = 0\n", "app.py": BEGIN + body})
    return finish([sys.executable, "app.py"], folder)


def test_each_text_comes_back_as_it_was(tmp_path):
    code, out, err = run(tmp_path, THERE_AND_BACK)
    assert (code, out) == (0, "same\n"), err


def test_a_program_that_reloads_a_module_itself_does_not_disturb_it(tmp_path):
    code, out, err = run(tmp_path, RELOADED)
    assert (code, out) == (0, "same\n"), err


def test_sixty_small_edits_of_a_long_file_do_not_take_sixty_files(tmp_path):
    code, out, err = run(tmp_path, MEMORY)
    assert code == 0 and out.startswith("True"), (out, err)

"""`midflight doctor` names what is wrong and what helps."""

import json
import platform

from helpers import MIDFLIGHT, finish, write


def test_a_good_folder(tmp_path):
    write(tmp_path, {"app.py": "", "pkg/x.py": ""})
    code, out, _ = finish([*MIDFLIGHT, "doctor", "app.py"], tmp_path)
    assert code == 0 and platform.python_version() in out and f"{tmp_path}: 2 source files in 2 folders" in out
    data = json.loads(finish([*MIDFLIGHT, "doctor", "--json"], tmp_path)[1])
    assert data["good"] and {"midflight", "python", "engine", "settings", "root", "watching", "keys"} <= {
        row["name"] for row in data["rows"]}


def test_a_wrong_setting(tmp_path):
    write(tmp_path, {"app.py": "", "pyproject.toml": "[tool.midflight]\nroot = ['x']\n"})
    code, out, _ = finish([*MIDFLIGHT, "doctor"], tmp_path)
    assert code == 2 and 'did you mean "roots"?' in out


def test_switched_off_and_unknown_variables(tmp_path):
    write(tmp_path, {"app.py": ""})
    assert finish([*MIDFLIGHT, "doctor"], tmp_path, MIDFLIGHT_DISABLE="1")[0] == 3
    code, out, _ = finish([*MIDFLIGHT, "doctor"], tmp_path, MIDFLIGHT_ROOT="x")
    assert code == 0 and "not known: MIDFLIGHT_ROOT" in out


def test_settings_in_force(tmp_path):
    write(tmp_path, {"app.py": "", "pyproject.toml": "[tool.midflight]\nsettle_ms = 20\nexclude = ['tests']\n"})
    code, out, _ = finish([*MIDFLIGHT, "doctor"], tmp_path)
    assert code == 0 and "settle_ms = 20" in out and 'exclude = ["tests"]' in out and "safepoint" not in out


def test_an_empty_folder(tmp_path):
    code, out, _ = finish([*MIDFLIGHT, "doctor"], tmp_path)
    assert code == 0 and "no source file takes part" in out

"""The status page in a real browser, where there is one (Debian's chromium-headless-shell or chromium): what a person sees, and that names of the
program run nothing there."""

import contextlib
import os
import re
import shutil
import signal
import struct
import subprocess

import pytest
from helpers import write
from test_page import live, server  # noqa: F401  (fixtures)

BROWSERS = list(filter(None, map(shutil.which, ("chromium-headless-shell", "chromium", "google-chrome"))))[:1]


def browse(browser, folder, url, *options):
    environment = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}      # a sanitizer of the engine's
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", f"--user-data-dir={folder / 'profile'}",
               "--window-size=1000,700", *options, url]
    with subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          start_new_session=True) as process:
        try:
            out, err = process.communicate(timeout=120)
        finally:
            with contextlib.suppress(ProcessLookupError):                  # what is first started is a script: all that it has started
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 0, err
    return out


def seen(dom):
    """Its text as a person reads it."""
    return " ".join(re.sub(r"<[^>]*>", " ", re.sub(r"(?s)<style.*?</style>", " ", dom)).split())


@pytest.mark.parametrize("browser", BROWSERS, ids=os.path.basename)
def test_the_timeline(live, server, tmp_path, browser):  # noqa: F811
    empty = browse(browser, tmp_path, server.base + "/", "--dump-dom")
    assert "None yet." in seen(empty) and "runs as it was started" in seen(empty)
    write(live.folder, {"lib.py": "X = '<img src=x onerror=document.title=1>'\ndef answer():\n    return 2\n\ndef more():\n    return 3\n"})
    assert live.json("update", "server")["outcome"] == "committed"
    write(live.folder, {"lib.py": "def answer(:\n"})
    live.json("update", "server", code=3)
    dom = browse(browser, tmp_path, server.base + "/", "--dump-dom")
    assert "runs update #1" in seen(dom) and "~answer" in seen(dom) and "SyntaxError" in seen(dom), seen(dom)
    assert "<img" not in dom and "<title>midflight: server</title>" in dom
    first, second = re.findall(r"(?s)<li value=.*?</li>", dom)      # the newest first
    assert "rejected" in first and "committed" in second
    browse(browser, tmp_path, server.base + "/", f"--screenshot={tmp_path / 'page.png'}")
    data = (tmp_path / "page.png").read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n" and struct.unpack(">II", data[16:24]) == (1000, 700) and len(data) > 10_000

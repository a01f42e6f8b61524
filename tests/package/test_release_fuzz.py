"""Random hostile releases (fuzz/fuzz_release.py): none crashes the reader, none gets in."""

import os
import sys

import pytest

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "fuzz"))
import fuzz_release  # noqa: E402

SECONDS = ("seconds=all", 600) if os.environ.get("MIDFLIGHT_TEST_ALL") == "1" else ("seconds=3", 3)


@pytest.mark.parametrize("seconds", [SECONDS[1]], ids=[SECONDS[0]])
def test_releases(seconds):
    counts = fuzz_release.run(seconds, 4711)
    assert all(counts.values()), counts

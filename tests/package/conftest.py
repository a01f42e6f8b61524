"""Lets the tests import helpers.py, whatever way pytest was started, and gives them a project that can be reached and its program that runs."""

import os
import sys

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from live import Live  # noqa: E402


@pytest.fixture
def live(tmp_path):
    return Live(tmp_path)


@pytest.fixture
def program(live):
    with live.program() as program:
        program.lines_until("ready")
        yield program

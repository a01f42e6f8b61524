"""Lets the tests import helpers.py, whatever way pytest was started."""

import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

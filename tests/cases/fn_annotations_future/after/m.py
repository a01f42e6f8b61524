from __future__ import annotations


def f(a: Missing, n=2) -> AlsoMissing:
    return n

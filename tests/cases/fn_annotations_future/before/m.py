from __future__ import annotations


def f(a: Missing, n=1) -> AlsoMissing:
    return n

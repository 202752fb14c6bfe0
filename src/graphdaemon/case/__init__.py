"""
What can be wrong, and what to do about it: the one table behind hints, ``doctor`` and ``explain``.

A case is finer than an error's code: programs branch on the code, people are helped by the case.
Steps hold places in braces; ``diagnosis.advise`` fills them with what is known.
"""

from __future__ import annotations

from graphdaemon.case.graph import GRAPH
from graphdaemon.case.identity import IDENTITY
from graphdaemon.case.registering import REGISTERING
from graphdaemon.case.row import Case
from graphdaemon.case.way import WAY

__all__ = ["CASES", "Case"]

CASES: dict[str, Case] = IDENTITY | GRAPH | WAY | REGISTERING

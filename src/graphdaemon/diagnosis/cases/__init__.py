"""
What can be wrong, and what to do about it: the one table behind hints, `doctor` and `explain`.

A case is finer than an error's code: programs branch on the code, people are helped by the case.
Steps hold places in braces; `diagnosis.advise` fills them with what is known.
"""

from graphdaemon.diagnosis.cases.case import Case
from graphdaemon.diagnosis.cases.graph import GRAPH
from graphdaemon.diagnosis.cases.identity import IDENTITY
from graphdaemon.diagnosis.cases.network import NETWORK
from graphdaemon.diagnosis.cases.registration import REGISTRATION

CASES: dict[str, Case] = IDENTITY | GRAPH | NETWORK | REGISTRATION

"""
What can be wrong, and what to do about it: the one table behind hints, `doctor` and `explain`.

Several cases may share one error code: programs branch on the code, people are helped by the case.
Meanings and steps hold placeholders in braces, which `advise` fills.
"""

from graphdaemon.diagnosis.cases.case import Case
from graphdaemon.diagnosis.cases.graph import GRAPH
from graphdaemon.diagnosis.cases.identity import IDENTITY
from graphdaemon.diagnosis.cases.network import NETWORK
from graphdaemon.diagnosis.cases.protected_api import PROTECTED_API
from graphdaemon.diagnosis.cases.registration import REGISTRATION

CASES: dict[str, Case] = IDENTITY | GRAPH | NETWORK | REGISTRATION | PROTECTED_API

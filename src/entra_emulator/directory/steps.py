"""Long work that pauses wherever others may go first."""

from collections.abc import Callable, Generator
from typing import ParamSpec, TypeVar

T = TypeVar("T")
P = ParamSpec("P")

# Each step does a bounded piece of the work; the last one ends with the result.
Steps = Generator[None, None, T]


def finish(steps: Steps[T]) -> T:
    """What the steps return, taken one after the other."""
    while (ended := take_step(steps)) is None:
        pass
    return ended[0]


def in_one_step(work: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> Steps[T]:
    """One step that calls the function."""
    yield from ()
    return work(*args, **kwargs)


def take_step(steps: Steps[T]) -> tuple[T] | None:
    """The result in a tuple, since it may be None; None while there are more steps."""
    try:
        next(steps)
    except StopIteration as end:
        return (end.value,)
    return None

"""
Find out how many requests should be in flight at a time, judging by how long answers take.

This module only computes: it has no clock.
"""

# How many requests are in flight at first. A few keep a nearby service busy, and there each further
# connection costs more time than it saves; a distant service needs many.
_FIRST_NEAR, _FIRST_FAR = 4.0, 16.0
# A service is distant if its first answer takes this many seconds, or its second the other number.
# The first takes longer because the connection has to be made for it.
_FAR_S = (0.08, 0.03)

# A trial compares the means of at least so many answers.
_FEWEST = 8
# The factor by which a trial changes the window. It is larger until the first trial fails, because
# a listing of a hundred pages is soon over.
_FIRST_FACTOR, _FACTOR = 2.0, 1.5
# A wider window is kept if the rate of answers grows by this part of what the window grew by; a
# narrower one is kept if this part of the rate remains.
_WIDER_PAYS, _NARROWER_PAYS = 0.4, 0.9
# If the mean time is this many times the lowest mean, requests wait inside the service: try fewer.
_SLOW = 1.5
# After a trial that failed, or was not possible, so many means pass without a trial.
_REST = 8
# Each mean raises the lowest mean by this part of their difference, because the service may have
# become slower for good.
_FORGOTTEN = 0.05


class Window:
    """
    The number of requests that should be in flight at a time.

    If more requests are in flight than the service works on at once, the others wait inside the
    service: each answer takes longer, and the number of answers per second does not grow. So the
    window is changed in trials. A wider window is kept only if it brings more answers per second,
    and a narrower one only if it brings about as many. The trials compare mean times of several
    answers, because a single answer may take long for any reason.

    Args:
        ceiling: The most requests that may be in flight.

    Attributes:
        size: The number of requests that should be in flight; a fraction is rounded down by those
            who read it.
    """

    def __init__(self, ceiling: int) -> None:
        self._ceiling = float(ceiling)
        self.size = min(_FIRST_NEAR, self._ceiling)
        self._noted = 0
        self._skip = 0
        self._times: list[float] = []
        self._least: float | None = None
        # During a trial: the size before it, and the mean time of an answer then.
        self._before: tuple[float, float] | None = None
        self._rest = 0
        self._fewer = False
        self._factor = _FIRST_FACTOR

    def note(self, seconds: float) -> None:
        """Note that an answer of the usual size took `seconds`."""
        self._noted += 1
        if self._noted <= len(_FAR_S):
            if seconds >= _FAR_S[self._noted - 1]:
                self.size = max(self.size, min(_FIRST_FAR, self._ceiling))
            if self._noted == 1:
                return
        if self._skip > 0:
            # The request was sent while the window had another size.
            self._skip -= 1
            return
        self._times.append(seconds)
        if len(self._times) >= max(_FEWEST, int(self.size)):
            mean, self._times = sum(self._times) / len(self._times), []
            self._judge(mean)

    def _judge(self, mean: float) -> None:
        """End the trial under way, or begin one; answers took `mean` seconds on average."""
        least = mean if self._least is None else min(self._least, mean)
        self._least = least + (mean - least) * _FORGOTTEN
        if self._before is not None:
            size, mean_before = self._before
            self._before = None
            if not self._pays(size, mean_before, mean):
                # Next try the other direction: a narrower window if a wider one did not pay.
                self._factor, self._fewer = _FACTOR, self.size > size
                self._change(size)
                self._rest = _REST
                return
        if self._rest > 0:
            self._rest -= 1
            return
        self._begin_trial(mean, self._least)

    def _pays(self, size: float, mean_before: float, mean: float) -> bool:
        """
        Return whether a trial was worth it, so that its window is kept.

        Args:
            size: The size of the window before the trial.
            mean_before: The mean seconds of an answer before the trial.
            mean: The mean seconds of an answer during the trial.
        """
        gain = self.size * mean_before / (size * mean)
        wider = self.size > size
        return gain >= (1 + (self.size / size - 1) * _WIDER_PAYS if wider else _NARROWER_PAYS)

    def _begin_trial(self, mean: float, least: float) -> None:
        if self._fewer or mean > _SLOW * least:
            size = max(min(_FIRST_NEAR, self._ceiling), self.size / self._factor)
        else:
            size = min(self.size * self._factor, self._ceiling)
        if size == self.size:
            self._fewer, self._rest = False, _REST
            return
        self._before = (self.size, mean)
        self._change(size)

    def widen(self, ceiling: int) -> None:
        """Allow up to `ceiling` requests in flight, if that is more than before."""
        if ceiling > self._ceiling:
            self._ceiling, self._rest = float(ceiling), 0

    def _change(self, size: float) -> None:
        # The answers to the requests in flight now say nothing about the new size.
        self._skip = int(self.size)
        self.size = size

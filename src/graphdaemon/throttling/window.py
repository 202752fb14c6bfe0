"""How many requests in flight are worth it, learnt from how long answers take."""

# A service that is near is kept busy by a few; each connection costs more than it would save. The
# first answer comes over a connection that is made for it, and so says less than the second.
_FIRST_NEAR, _FIRST_FAR = 4.0, 16.0
_FAR_S = (0.08, 0.03)
# Answers that are compared, at least; how far a trial goes, and what part of it has to show; how
# many answers are as many; when to try with fewer; how many comparisons to wait after a failure.
_FEWEST, _FIRST_TRIAL, _TRIAL, _WORTH = 8, 2.0, 1.5, 0.4
_AS_MANY, _SLOW, _REST, _FORGOTTEN = 0.9, 1.5, 8, 0.05


class Window:
    """
    How many requests in flight are worth it.

    More than the service can work on at once wait inside it: its answers get slower and no more of
    them come. So the window is changed on trial, and what comes of it is compared: more in flight
    have to bring more answers, and fewer may do where that brings as many. Means of many answers
    are compared, as one alone may take long for any reason.
    """

    def __init__(self, ceiling: int) -> None:
        self._ceiling = float(ceiling)
        self.size = min(_FIRST_NEAR, self._ceiling)
        self._noted = 0
        self._skip = 0
        self._times: list[float] = []
        self._least: float | None = None
        self._before: tuple[float, float] | None = None
        self._rest = 0
        self._fewer = False
        # Fast until the first sign of trouble: a listing of a hundred pages is soon over.
        self._trial = _FIRST_TRIAL

    def note(self, seconds: float) -> None:
        """Learn from an answer of the usual size."""
        self._noted += 1
        if self._noted <= len(_FAR_S):
            if seconds >= _FAR_S[self._noted - 1]:
                self.size = max(self.size, min(_FIRST_FAR, self._ceiling))
            if self._noted == 1:
                return
        if self._skip > 0:
            # It was sent when the window was another.
            self._skip -= 1
            return
        self._times.append(seconds)
        if len(self._times) >= max(_FEWEST, int(self.size)):
            mean, self._times = sum(self._times) / len(self._times), []
            self._judge(mean)

    def _judge(self, mean: float) -> None:
        """Compare what the trial under way brought, or begin one."""
        least = mean if self._least is None else min(self._least, mean)
        # Forgotten slowly: the service may have become slower for good.
        self._least = least + (mean - least) * _FORGOTTEN
        if self._before is not None:
            size, time = self._before
            self._before = None
            gain = self.size * time / (size * mean)
            if gain < (1 + (self.size / size - 1) * _WORTH if self.size > size else _AS_MANY):
                self._trial, self._fewer = _TRIAL, self.size > size
                self._change(size)
                self._rest = _REST
                return
        if self._rest > 0:
            self._rest -= 1
            return
        fewer = self._fewer or mean > _SLOW * self._least
        size = max(self._floor, self.size / self._trial) if fewer else self.size * self._trial
        if (size := min(size, self._ceiling)) == self.size:
            self._fewer, self._rest = False, _REST
            return
        self._before = (self.size, mean)
        self._change(size)

    def widen(self, ceiling: int) -> None:
        """Allow as many."""
        if ceiling > self._ceiling:
            self._ceiling, self._rest = float(ceiling), 0

    @property
    def _floor(self) -> float:
        return min(_FIRST_NEAR, self._ceiling)

    def _change(self, size: float) -> None:
        self._skip = int(self.size)
        self.size = size

"""
How many requests in flight are worth it, learnt from how long answers take.

Values and arithmetic only; no clock.
"""

# Requests in flight to begin with. A service that is near is kept busy by a few, and each
# connection costs more than it would save; one that is far needs many.
_FIRST_NEAR, _FIRST_FAR = 4.0, 16.0
# A service is far if its first answer, or its second, takes this many seconds. The first comes over
# a connection that has to be made for it, and so may take longer.
_FAR_S = (0.08, 0.03)

# A trial compares the means of at least so many answers.
_FEWEST = 8
# By which factor a trial changes the window: fast until the first trial fails, since a listing of a
# hundred pages is soon over.
_FIRST_FACTOR, _FACTOR = 2.0, 1.5
# A wider window has to bring this part of what it was widened by; a narrower one has to bring this
# part of the answers.
_WIDER_PAYS, _NARROWER_PAYS = 0.4, 0.9
# A mean this many times the least means that requests wait inside the service: try with fewer.
_SLOW = 1.5
# So many means are not used for a trial after one has failed, or none was possible.
_REST = 8
# The part of the way by which each mean draws the least one up: the service may have become slower
# for good.
_FORGOTTEN = 0.05


class Window:
    """
    How many requests in flight are worth it.

    If there are more than the service works on at once, the others wait inside it: answers get
    slower, and no more of them come. So the window is widened or narrowed on trial, and stays so
    only where a wider one brings more answers a second, or a narrower one about as many. Means of
    many answers are compared, as a single one may take long for any reason.

    Args:
        ceiling: Requests in flight at most.
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
        """Learn from an answer of the usual size, which took `seconds`."""
        self._noted += 1
        if self._noted <= len(_FAR_S):
            if seconds >= _FAR_S[self._noted - 1]:
                self.size = max(self.size, min(_FIRST_FAR, self._ceiling))
            if self._noted == 1:
                return
        if self._skip > 0:
            # It was sent when the window had another size.
            self._skip -= 1
            return
        self._times.append(seconds)
        if len(self._times) >= max(_FEWEST, int(self.size)):
            mean, self._times = sum(self._times) / len(self._times), []
            self._judge(mean)

    def _judge(self, mean: float) -> None:
        """End the trial under way, or begin one, after answers that took `mean` seconds each."""
        least = mean if self._least is None else min(self._least, mean)
        self._least = least + (mean - least) * _FORGOTTEN
        if self._before is not None:
            size, mean_before = self._before
            self._before = None
            if not self._pays(size, mean_before, mean):
                # Try the other direction next: fewer if more did not pay.
                self._factor, self._fewer = _FACTOR, self.size > size
                self._change(size)
                self._rest = _REST
                return
        if self._rest > 0:
            self._rest -= 1
            return
        self._begin_trial(mean, self._least)

    def _pays(self, size: float, mean_before: float, mean: float) -> bool:
        """Say whether the window brings enough answers a second, compared with one of `size`."""
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
        # As many answers as are in flight now say nothing about the new size.
        self._skip = int(self.size)
        self.size = size

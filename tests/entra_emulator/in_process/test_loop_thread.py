import asyncio
import threading

import pytest

from entra_emulator.in_process.loop_thread import LoopThread


def test_work_is_done_on_the_loop_until_it_is_closed() -> None:
    """Results and failures come back; the thread is gone afterwards, and closing twice is fine."""

    async def divide(a: int, b: int) -> tuple[float, str]:
        return a / b, threading.current_thread().name

    thread = LoopThread()
    assert thread.run(divide(6, 3)) == (2.0, "emulator")
    with pytest.raises(ZeroDivisionError):
        thread.run(divide(1, 0))
    unfinished = thread.start(asyncio.sleep(600))
    mine = {one for one in threading.enumerate() if one.name == "emulator"}

    thread.close()
    thread.close()

    assert unfinished.cancelled()
    assert mine - set(threading.enumerate())

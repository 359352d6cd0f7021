"""Time-outs that end only what stands still.

On a busy machine everything takes many times as long, and nothing is wrong. So the clock that counts is that of the
processor: what waits for something that never comes uses next to none of it, and what never ends uses it up.
"""

import contextlib

import psutil

STILL = 120
"""Seconds without progress."""
PACE = 0.005
"""What makes progress uses more of a core than this: beside ten busy processes on two cores it may get no more than a
thirtieth, and what waits takes a thousandth."""
ENDLESS = 900
"""Processor seconds that no test and no lesson comes near."""


def processor_seconds(processes: list[psutil.Process]) -> float:
    """Processor seconds that these processes, and their children that have ended, have used."""
    used = 0.0
    for process in processes:
        with contextlib.suppress(psutil.Error):
            used += sum(process.cpu_times()[:4])  # of its own and of its children, in user and in system mode
    return used


def family(process: psutil.Process) -> list[psutil.Process]:
    """A process, its children, and theirs."""
    return [process, *process.children(recursive=True)]


class Standstill:
    """Told every few seconds what was used of the processor so far, it says what is wrong, once something is.

    It counts how often it was told, and not the time, which goes on while the machine itself stands still.

    Args:
        every: the seconds from one look to the next.
        still: for how many seconds the processor may be left alone.
        endless: how many seconds of it may be used in all.

    >>> look = Standstill(every=10, still=20, endless=100)
    >>> [look.trouble(used) for used in (5, 8, 8, 8)]
    [None, None, None, 'it stood still for 20 seconds']
    >>> look.trouble(200)
    'it used 195 seconds of the processor without an end'
    """

    def __init__(self, *, every: float, still: float = STILL, endless: float = ENDLESS) -> None:
        self.every, self.still, self.endless = every, still, endless
        self.first: float | None = None
        self.mark = self.waited = 0.0

    def trouble(self, used: float) -> str | None:
        if self.first is None:
            self.first = self.mark = used
        # a process that ended may have taken its part along
        if abs(used - self.mark) > PACE * self.still:
            self.mark, self.waited = used, 0.0
        else:
            self.waited += self.every
        if self.waited >= self.still:
            return f"it stood still for {self.still:g} seconds"
        if used - self.first > self.endless:
            return f"it used {used - self.first:.0f} seconds of the processor without an end"
        return None

"""Calls per second of one account, so that the platform need not say no."""

from datetime import datetime, timedelta


class Pace:
    """Spaces calls evenly: at most `per_second` in any second, a loop that wakes up late included.

    It holds only the time of the next free slot; the caller passes `now`.
    """

    LAG = timedelta(milliseconds=20)
    MARGIN = 1.03
    """Slots are this much wider than the limit asks, since a late wake-up moves calls closer together."""

    def __init__(self, per_second: float) -> None:
        self._gap = timedelta(seconds=self.MARGIN / per_second)
        self._free_at: datetime | None = None

    def room(self, now: datetime) -> int:
        """How many calls may start now."""
        start = self._start(now)
        return 0 if start > now else 1 + (now - start) // self._gap

    def take(self, calls: int, now: datetime) -> None:
        """Note that so many calls start now."""
        if calls:
            self._free_at = self._start(now) + calls * self._gap

    def free_at(self, now: datetime) -> datetime:
        """When the next call may start."""
        return max(now, self._start(now))

    def _start(self, now: datetime) -> datetime:
        idle = self._free_at is None or self._free_at < now - self.LAG
        return now if idle or self._free_at is None else self._free_at

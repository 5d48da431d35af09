"""5,000 deliveries over both platforms while a third of the calls goes wrong and the bot is killed every few seconds.

The real bot in a process of its own, the doubles of the tests; what stands in the chats is the verdict.
"""

import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.journeys.faulty import KINDS, FaultRun

COLUMNS = ("seed", "s", "kills", "calls", "disturbed", "least", "delivered", "doubled", "on Slack", "verdict")
LEAST = 50


def main(seeds: Sequence[int]) -> None:
    """A line for each seed. Raises SystemExit when one of them found a fault."""
    print(f"faults: {', '.join(KINDS)}; `least`: how often the rarest of them happened")
    print(" ".join(f"{name:>9}" for name in COLUMNS))
    bad = 0
    for seed in seeds:
        with tempfile.TemporaryDirectory() as folder:
            found = FaultRun(Path(folder), seed).run()
        rarest = min(found.disturbed[kind] for kind in KINDS)
        faults = [*found.faults, *([f"fewer than {LEAST} of a kind"] if rarest < LEAST else [])]
        bad += bool(faults)
        row = [seed, round(found.seconds), found.kills, found.calls, found.disturbed.total(), rarest, found.delivered]
        row += [len(found.doubled), len(found.doubled_on_slack)]
        print(" ".join(f"{cell:>9}" for cell in row), "", "; ".join(faults) or "fine", flush=True)
    if bad:
        raise SystemExit(f"{bad} of {len(seeds)} runs found a fault")

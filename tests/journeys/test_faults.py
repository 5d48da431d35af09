"""Nothing is lost, doubled unseen or out of order while a tenth of all calls goes wrong; and the run can fail.

`python -m benchmarks faults --seeds 1-20` is the same with 5,000 deliveries in 300 chats.
"""

from pathlib import Path

from tests.journeys.faulty import KINDS, FaultRun, Size

BROKEN = Path(__file__).parent / "broken"
SMALL = Size(people=8, channels=2, alerts=4, part=0.4, most_kills=1, settle=60)


def test_a_disturbed_and_killed_bot_loses_nothing_keeps_the_order_and_counts_every_double(tmp_path: Path) -> None:
    verdict = FaultRun(tmp_path, seed=3, size=SMALL).run()
    assert verdict.faults == [] and verdict.delivered == 40
    assert verdict.kills == 1
    assert len(verdict.disturbed) >= len(KINDS) - 2 and verdict.disturbed.total() >= verdict.calls / 10


def test_a_bot_that_remembers_what_it_saw_after_its_alert_doubles_alerts_and_the_run_sees_it(tmp_path: Path) -> None:
    size = Size(people=3, channels=1, alerts=2, batch=1, part=0, most_kills=1, settle=30)
    verdict = FaultRun(tmp_path, seed=3, size=size, program=BROKEN / "seen_after_alert.py").run()
    assert verdict.faults and verdict.doubled


def test_a_bot_whose_client_asks_again_doubles_alerts_and_the_run_sees_it(tmp_path: Path) -> None:
    size = Size(people=15, channels=5, alerts=1, part=0.4, kinds=("reset_after", "malformed"), most_kills=0, settle=15)
    verdict = FaultRun(tmp_path, seed=3, size=size, program=BROKEN / "answer_retried.py").run()
    assert verdict.uncounted and not verdict.lost

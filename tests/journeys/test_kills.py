"""Nothing is lost, whenever the bot is killed; and the run that shows it can fail."""

from pathlib import Path
from random import Random

import pytest

from tests.journeys.killing import MOMENTS, KillRun

BROKEN = Path(__file__).parent / "broken"


def test_twenty_kills_lose_nothing_keep_the_order_and_count_every_double(tmp_path: Path) -> None:
    moments = [*MOMENTS] * 4
    Random(2).shuffle(moments)
    run = KillRun(tmp_path, seed=2)
    verdict = run.run(moments)
    assert sum(verdict.kills.values()) == 20 and min(verdict.kills.values()) >= 3 and len(verdict.kills) == 5
    assert run.published >= 100
    assert verdict.lost == [] and verdict.disordered == []
    assert set(verdict.doubled) <= verdict.in_flight, "a double that no kill explains"
    assert verdict.uncounted == []
    print(f"{verdict.messages} messages, {len(verdict.doubled)} doubled, kills {dict(verdict.kills)}")


@pytest.mark.parametrize(("variant", "moment"), [("sent_before_call", "received"), ("seen_before_alert", "commit")])
def test_a_bot_that_saves_in_the_wrong_order_loses_alerts_and_the_run_sees_it(
    tmp_path: Path, variant: str, moment: str
) -> None:
    run = KillRun(tmp_path, seed=3, program=BROKEN / f"{variant}.py", commits=1)
    verdict = run.run([moment] * 4, settle=8)
    assert verdict.lost

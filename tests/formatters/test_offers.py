"""What can be pressed under an alert."""

from dataclasses import replace

import formatters
from models import Button, ChatSettings
from tests.parcels import ALERT, SETTINGS


def test_under_an_alert_with_a_topic_that_topic_can_be_muted() -> None:
    assert formatters.alert_buttons(ALERT, SETTINGS) == (Button("이 주제 끄기", press="mutetopic 7"),)
    assert formatters.alert_buttons(ALERT, ChatSettings("en", "UTC"))[0].label == "Mute this topic"


def test_without_a_topic_or_taken_back_there_is_nothing_to_press() -> None:
    assert formatters.alert_buttons(replace(ALERT, topics=("123", "…")), SETTINGS) == ()
    assert formatters.alert_buttons(replace(ALERT, retracted=True), SETTINGS) == ()

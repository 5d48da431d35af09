"""What can be pressed under an alert, beside the button that opens its source."""

from formatters.parts import hashtag
from locales import say
from models import Alert, Button, ChatSettings


def alert_buttons(alert: Alert, settings: ChatSettings) -> tuple[Button, ...]:
    """One row of buttons, for every platform the same; an alert that was taken back has none.

    What stands under a sent message is drawn again with each edit of it, from the alert as it is then.
    """
    if alert.retracted or not any(map(hashtag, alert.topics)):
        return ()
    return (Button(say(settings.language, "alert.mute_topic"), press=f"mutetopic {alert.id}"),)

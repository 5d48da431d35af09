"""Where a message stands: the address that opens it in its chat. Built from what is stored; pure."""

from urllib.parse import urlencode

from models import Chat

SUPERGROUP = "-100"
"""How the ids of Telegram's supergroups and channels begin; groups and private chats have no message links
(https://core.telegram.org/api/links#message-links)."""


def message_link(chat: Chat, message_id: str) -> str:
    """The message's address, "" where there is none."""
    if chat.platform == "telegram" and chat.id.startswith(SUPERGROUP) and message_id.isdecimal():
        thread = f"{chat.thread}/" if chat.thread else ""
        return f"https://t.me/c/{chat.id.removeprefix(SUPERGROUP)}/{thread}{message_id}"
    if chat.platform == "slack" and chat.account and message_id:
        # The permalink proper begins with the workspace's domain, which is not stored. This one needs its id only
        # (https://docs.slack.dev/interactivity/deep-linking), and opens at least the channel.
        where = {"team": chat.account, "channel": chat.id, "message_ts": message_id}
        return (
            f"https://slack.com/app_redirect?{urlencode(where | ({'thread_ts': chat.thread} if chat.thread else {}))}"
        )
    return ""

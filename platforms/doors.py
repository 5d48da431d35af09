"""What a platform tells the desk about its chats, beside the answers to calls."""

from typing import Protocol

from models import Chat, ChatGone


class Doors(Protocol):
    """A chat without a thread stands for all of its threads."""

    async def let_in_again(self, chat: Chat, by: str = "") -> None:
        """The chat takes messages, whatever it said before; `by` is the person who saw to it, "" when not known."""
        ...

    async def shut_out(self, chat: Chat, closed: ChatGone) -> None:
        """The chat takes no messages any more."""
        ...

    async def moved(self, old: Chat, new: Chat) -> None:
        """The chat has a new id."""
        ...

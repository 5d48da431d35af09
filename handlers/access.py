"""Who may ask what, and who comes in: the first admin by a claim, people by invitations, groups by an admin. And who
asks too often."""

from enum import StrEnum

import delivery
from delivery import Verdict
from formatters import when
from handlers.asking import Asking
from models import Reply
from pipeline import Desk
from storage import access
from storage.access import Admin, Right

MOST_GUESTS = 100


class Who(StrEnum):
    """Who may ask a command, in the words of docs/commands.md. What all may ask is asked by whoever was let in."""

    ALL = "all"
    CHAT_ADMINS = "chat admins"
    BOT_ADMINS = "bot admins"


async def refusal(asking: Asking, who: Who) -> Reply | None:
    """What somebody reads who may not ask this; None for whoever may. Where nobody says who a chat's admins are, it is
    refused too: what a chat receives is not changed on a guess."""
    if who is Who.ALL or asking.command.trusted:
        return None
    if who is Who.BOT_ADMINS:
        return Reply(lines=(asking.say("access.bot_admins"),))
    match await asking.command.is_chat_admin():
        case True:
            return None
        case False:
            return Reply(lines=(asking.say("access.chat_admins"),))
        case None:
            return Reply(lines=(asking.say("access.unsure"), asking.say("access.unsure_why")))


def too_often(asking: Asking, who: Who) -> Reply | None:
    """Instead of an answer: one polite line, then nothing until the minute is over. An admin's work is not counted."""
    command = asking.command
    if not command.metered or (command.trusted and who is Who.BOT_ADMINS):
        return None
    kind = "press" if command.pressed else "command"
    here = (command.chat.platform, command.chat.account)
    keys = [(kind, "person", *here, command.user), (kind, "chat", *here, command.chat.id)]
    most = delivery.PRESSES if command.pressed else delivery.COMMANDS
    match asking.desk.limits.ask(keys, most, asking.desk.now()):
        case Verdict.ANSWER:
            return None
        case Verdict.TELL:
            told = asking.say("access.too_often", most=most)
            return Reply(toast=told) if command.pressed else Reply(lines=(told,))
        case Verdict.IGNORE:
            return Reply()


async def first_claim(desk: Desk, platform: str) -> str:
    """A token for whoever shall be the platform's first admin; "" when it has one, and open claims end."""
    async with desk.database.write() as tx:
        if desk.has_admin(platform):
            await access.end_claims(tx, platform)
            return ""
        return await access.make_token(tx, Right.CLAIM, platform, desk.now())


async def claim(asking: Asking) -> Reply:
    """/claim CODE: while there is no admin, who knows the code from the terminal becomes the first."""
    command, desk = asking.command, asking.desk
    if not command.user or command.user == "0" or (command.user == command.chat.id and not command.private):
        return Reply(lines=(asking.say("access.person"),))
    admin = Admin(command.chat.platform, command.chat.account, command.user)
    async with desk.database.write() as tx:
        spent = await access.spend(tx, Right.CLAIM, command.chat.platform, _code(asking, Right.CLAIM), desk.now())
        if spent:
            await access.make_admin(tx, admin, desk.now())
            await access.end_claims(tx, command.chat.platform)
    if not spent:
        return Reply(lines=(asking.say("access.no_claim"),))
    desk.claimed.add(admin)
    return Reply(title=asking.say("access.claimed"), lines=(asking.say("access.claimed_next"),))


async def invite(asking: Asking) -> Reply:
    """/invite [N]: a link or code by which N people may use the bot in private."""
    command, desk = asking.command, asking.desk
    args = command.args.strip() or "1"
    guests = int(args) if args.isdecimal() and len(args) < 5 else 0
    if not 1 <= guests <= MOST_GUESTS:
        return Reply(lines=(asking.say("access.wrong_invite", most=MOST_GUESTS),))
    async with desk.database.write() as tx:
        token = await access.make_token(
            tx, Right.INVITE, command.chat.platform, desk.now(), uses=guests, by=command.user
        )
    parameter = f"{Right.INVITE}_{token}"
    sender = desk.senders.get(command.chat.platform)
    link = sender.start_link(parameter) if sender is not None else ""
    ends = desk.now() + access.LASTS[Right.INVITE]
    until = when.moment(ends, asking.chat_settings.language, asking.chat_settings.timezone)
    how = (asking.say("access.invite_link"), link) if link else (asking.say("access.invite_code"), f"start {parameter}")
    return Reply(title=asking.say("access.invited", count=guests, until=until), lines=how)


async def redeem(asking: Asking) -> Reply | None:
    """What a word behind /start opens; None where the chat is let in now, or the word opens nothing."""
    right = next((one for one in Right if asking.command.args.startswith(f"{one}_")), None)
    if right is Right.CLAIM:
        return await claim(asking)
    if right is None or await may_enter(asking):
        return None
    if not asking.command.private:
        return Reply(lines=(asking.say("access.in_private"),))
    desk, chat = asking.desk, asking.command.chat
    async with desk.database.write() as tx:
        spent = await access.spend(tx, right, chat.platform, _code(asking, right), desk.now())
        if spent:
            await access.admit(tx, chat, desk.now())
    return None if spent else Reply(lines=(asking.say("access.no_invite"),))


async def may_enter(asking: Asking) -> bool:
    """An open bot lets anyone in; a closed one its admins, whom they invited, and the chats that they let in."""
    command = asking.command
    if command.open or command.trusted or (asking.known is not None and asking.known.subscribed):
        return True
    async with asking.desk.database.read() as connection:
        return await access.is_admitted(connection, command.chat)


async def let_in(asking: Asking) -> None:
    """A chat that an admin subscribes may use the bot from then on, whatever becomes of the subscription."""
    if asking.command.trusted:
        async with asking.desk.database.write() as tx:
            await access.admit(tx, asking.command.chat, asking.desk.now())


def _code(asking: Asking, right: Right) -> str:
    return asking.command.args.strip().removeprefix(f"{right}_")

"""Which of many possible bullets: those that together say the most, in few characters."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

LEAST = 3
MOST_CONSIDERED = 40
ALIKE = 0.6
ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Candidate:
    """A bullet as it would be shown. `number` and `section` say where its sentence stands.

    `worth` is what speaks for it whatever else is chosen. `tier` is 0 for facts; higher ones are used only where lower
    ones are too few.
    """

    text: str
    number: int
    section: int
    worth: float
    tier: int
    stems: frozenset[str]


@dataclass(frozen=True, slots=True)
class Room:
    """How much may be chosen, and what it costs, in expected facts.

    `characters` of all bullets together; each costs `character`, and `overrun` more beyond that. The first bullet of a
    section gains `section`.
    """

    bullets: int
    characters: int
    character: float = 0.003
    overrun: float = 0.01
    section: float = 0.05


def choose(candidates: Sequence[Candidate], room: Room) -> list[Candidate]:
    """The best set in document order: facts, and of anything else only what brings them to three."""
    chosen: list[Candidate] = []
    for tier in range(5):
        most = room.bullets if tier == 0 else min(room.bullets, LEAST)
        if len(chosen) >= most:
            break
        of_tier = [one for one in candidates if one.tier == tier]
        of_tier.sort(key=lambda one: (-one.worth, one.number, one.text))
        chosen = _extended(chosen, of_tier[:MOST_CONSIDERED], room, most)
    return sorted(chosen, key=lambda one: (one.number, one.text))


def _extended(fixed: list[Candidate], open_: list[Candidate], room: Room, most: int) -> list[Candidate]:
    """Greedily the best next one while that gains; then each is exchanged for a better one while there is one."""
    added: list[Candidate] = []
    while len(fixed) + len(added) < most:
        best = _best(open_, [*fixed, *added], room)
        if best is None or (len(fixed) + len(added) >= LEAST and _gains([*fixed, *added], room)(best) <= 0):
            break
        added.append(best)
    for _ in range(ROUNDS):
        before = list(added)
        for one in before:
            rest = [*fixed, *(other for other in added if other is not one)]
            better, gain = _best(open_, rest, room), _gains(rest, room)
            if better is not None and gain(better) > gain(one):
                added[added.index(one)] = better
        if added == before:
            break
    return [*fixed, *added]


def _best(open_: Sequence[Candidate], chosen: Sequence[Candidate], room: Room) -> Candidate | None:
    """The candidate that adds the most to what is chosen; None when all of them say what is said already."""
    gain = _gains(chosen, room)
    gains = sorted((-gain(one), position) for position, one in enumerate(open_))
    fitting = (open_[position] for _, position in gains)
    return next((one for one in fitting if not any(_alike(one, other) for other in chosen)), None)


def _gains(chosen: Sequence[Candidate], room: Room) -> Callable[[Candidate], float]:
    """What one adds: its worth as far as its words are not said yet, less what it takes of others' room."""
    said = frozenset[str]().union(*(other.stems for other in chosen))
    sections = {other.section for other in chosen}
    left = max(0, room.characters - sum(len(other.text) for other in chosen))

    def gain(one: Candidate) -> float:
        new = len(one.stems - said) / len(one.stems) if one.stems else 0.0
        length = len(one.text)
        section = 0.0 if one.section in sections else room.section
        return one.worth * new + section - room.character * length - room.overrun * max(0, length - left)

    return gain


def _alike(one: Candidate, other: Candidate) -> bool:
    if one.number == other.number or one.text in other.text or other.text in one.text:
        return True
    fewer = min(len(one.stems), len(other.stems))
    return fewer > 1 and len(one.stems & other.stems) / fewer >= ALIKE

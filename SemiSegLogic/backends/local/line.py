"""In which order jobs have this computer: those of one person as they came, and people in turn, so that whoever sends
ten does not hold up everybody else's first. On one's own computer all are of one person.

    <job>/owner.json      whose it is, where a server took it in for somebody: {"user"}
    turns.json            beside the jobs: whose turn it is and was (see Turns), by the runner that has it
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ...files import FileError, read_json, write_json

OWNER, TURNS = "owner.json", "turns.json"


def owner(job: Path) -> str | None:
    """Whose the job in a folder is; None where nobody said."""
    try:
        return str(read_json(job / OWNER)["user"])
    except (FileError, KeyError, TypeError):
        return None


@dataclass(frozen=True)
class Waiting:
    """A job in the line, by its folder's ``name``; ``order`` the unix time by which it came, which is another one when
    it is resumed.
    """

    order: float
    name: str
    owner: str


@dataclass(frozen=True)
class Turns:
    """The newest turn is, or was, that of ``job``, which came at ``order``; ``last`` person -> number of their newest
    turn, counted from 1.
    """

    job: str = ""
    order: float = 0.0
    last: dict[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, root: Path) -> Turns:
        """Of the jobs in ``root``. Where it cannot be read, nobody had a turn yet: the line goes on."""
        try:
            said = read_json(root / TURNS)
            last = {str(name): int(number) for name, number in said["last"].items()}
            return cls(str(said["job"]), float(said["order"]), last)
        except (AttributeError, FileError, KeyError, TypeError, ValueError):
            return cls()

    def write(self, root: Path) -> None:
        """By whoever holds the turn. Raises FileError."""
        write_json(root / TURNS, asdict(self))

    def after(self, one: Waiting) -> Turns:
        """Once it is the turn of that job."""
        return Turns(one.name, one.order, {**self.last, one.owner: 1 + max(self.last.values(), default=0)})

    def line(self, waiting: Iterable[Waiting]) -> list[Waiting]:
        """Those ``waiting`` in the order in which they will have their turn; the one that has it is first."""
        everybody, turns = list(waiting), self
        line = [one for one in everybody if self._has_it(one)]
        left = [one for one in everybody if not self._has_it(one)]
        while left:
            soonest = min(left, key=turns._due)
            left.remove(soonest)
            line.append(soonest)
            turns = turns.after(soonest)
        return line

    def _has_it(self, one: Waiting) -> bool:
        return (one.name, one.order) == (self.job, self.order)

    def _due(self, one: Waiting) -> tuple[int, float, str]:
        """Whose turn is next has the smallest: the person who waits for one since longest, then the job that does."""
        return self.last.get(one.owner, 0), one.order, one.name

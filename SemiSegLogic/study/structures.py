"""The structures of a study: names for label values that keep their meaning for the life of the study."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

from ..geometry import IGNORE
from ..naming import enumerated, folded
from .errors import StudyError

Color = tuple[float, float, float]

COLORS: tuple[Color, ...] = (
    (0.90, 0.34, 0.30), (0.30, 0.69, 0.90), (0.45, 0.78, 0.40), (0.95, 0.77, 0.28), (0.66, 0.45, 0.83),
    (0.96, 0.55, 0.22), (0.24, 0.72, 0.66), (0.92, 0.50, 0.73), (0.62, 0.52, 0.36), (0.62, 0.70, 0.78),
)

LAST_VALUE = IGNORE - 1


@dataclass(frozen=True)
class Structure:
    """One thing to be segmented. ``value`` 1..254 in every label array of the study; ``color`` r, g, b in [0, 1];
    ``terminology`` Slicer's terminology entry, empty for the default. Raises StudyError on anything else.
    """

    value: int
    name: str
    color: Color = COLORS[0]
    terminology: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.value, bool) or not isinstance(self.value, int) or not 1 <= self.value <= LAST_VALUE:
            raise StudyError(f"Structure '{self.name}' has label value {self.value!r}; it must lie in 1..{LAST_VALUE} "
                             f"(0 is background, {IGNORE} means not judged).")
        check_name(self.name, "Structure name")
        if self.name.isdigit():
            raise StudyError(f"'{self.name}' would be taken for a label value; give the structure a name in words.")
        if len(self.color) != 3 or not all(0 <= part <= 1 for part in self.color):
            raise StudyError(f"Structure '{self.name}' has colour {self.color}; give red, green, blue in 0..1.")


@dataclass(frozen=True)
class Structures:
    """The structures of a study, in order. ``next_value`` is above every value ever given: none is used twice.

    Changes give a new object. Raises StudyError on names or values that occur twice.
    """

    items: tuple[Structure, ...] = ()
    next_value: int = 1

    def __post_init__(self) -> None:
        for what, given in (("value", [str(item.value) for item in self.items]),
                            ("name", [item.name.casefold() for item in self.items])):
            twice = {one for one in given if given.count(one) > 1}
            if twice:
                raise StudyError(f"Two structures have the {what} '{min(twice)}'; give each its own.")

    @classmethod
    def of(cls, items: Iterable[Structure | str]) -> Self:
        """Structures from names, which get the next values, or from whole structures, which keep theirs."""
        structures = cls()
        for item in items:
            structures = structures.add(item) if isinstance(item, str) else structures._with(item)
        return structures

    def __iter__(self) -> Iterator[Structure]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)

    @property
    def names(self) -> dict[str, int]:
        """Name to label value: the table that :func:`formats.read_mask` takes."""
        return {item.name: item.value for item in self.items}

    @property
    def values(self) -> frozenset[int]:
        """Every value a label array may hold where a person judged: background and the structures."""
        return frozenset({0, *(item.value for item in self.items)})

    def of_value(self, value: int) -> Structure:
        """The structure of a label value. Raises StudyError when there is none."""
        for item in self.items:
            if item.value == value:
                return item
        raise StudyError(f"No structure has the label value {value}. There are: {self.in_words()}.")

    def add(self, name: str, color: Color | None = None, terminology: str = "") -> Self:
        """One more structure with a value that was never used before."""
        if self.next_value > LAST_VALUE:
            raise StudyError(f"'{name}' cannot be added: all {LAST_VALUE} label values of this study have been used.")
        self._require_unlike(name, self.items)
        chosen = color or COLORS[(self.next_value - 1) % len(COLORS)]
        return self._with(Structure(self.next_value, name, chosen, terminology))

    def change(self, value: int, *, name: str | None = None, color: Color | None = None,
               terminology: str | None = None) -> Self:
        """Another name, colour or terminology for the same structure; its value stays."""
        old = self.of_value(value)
        self._require_unlike(name or "", [item for item in self.items if item is not old])
        new = Structure(value, old.name if name is None else name, color or old.color,
                        old.terminology if terminology is None else terminology)
        return replace(self, items=tuple(new if item is old else item for item in self.items))

    def remove(self, value: int) -> Self:
        """Without this structure; its value stays retired. The caller makes sure that no label uses it."""
        gone = self.of_value(value)
        return replace(self, items=tuple(item for item in self.items if item is not gone))

    def in_words(self) -> str:
        """``1 anterior, 2 posterior``: for messages."""
        return enumerated([f"{item.value} {item.name}" for item in self.items]) or "none yet"

    def to_dict(self) -> dict[str, Any]:
        """Plain data that :meth:`from_dict` takes back."""
        return {"structures": [asdict(item) for item in self.items], "next_value": self.next_value}

    @classmethod
    def from_dict(cls, record: dict[str, Any]) -> Self:
        """Structures from plain data. Raises KeyError, TypeError or StudyError on damaged data."""
        items = tuple(Structure(**{**item, "color": tuple(item["color"])}) for item in record["structures"])
        return cls(items, max([record["next_value"], *(item.value + 1 for item in items)]))

    def _require_unlike(self, name: str, others: Iterable[Structure]) -> None:
        """Raises StudyError where one of ``others`` looks the same; studies of before may have such two."""
        twin = next((item for item in others if folded(item.name) == folded(name)), None)
        if twin is not None:
            raise StudyError(f"Two structures have the name '{twin.name}'; give each its own.")

    def _with(self, item: Structure) -> Self:
        return replace(self, items=(*self.items, item), next_value=max(self.next_value, item.value + 1))


def check_name(name: str, what: str) -> None:
    """Raises StudyError unless ``name`` is a printable line of 1 to 100 characters without spaces around it."""
    if not isinstance(name, str) or not name or len(name) > 100 or not name.isprintable() or name != name.strip():
        raise StudyError(f"{what} {name!r} is not usable: give 1 to 100 printable characters, no space at either end.")

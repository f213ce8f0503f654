"""What a live run shows next, and when: the case on screen soon after every news, the others as time allows."""

from __future__ import annotations

from collections.abc import Iterable

SHOW_AFTER_S = (2.5, 6.0, 10.0, 20.0, 40.0, 60.0)
"""Seconds after new labels at which the case on screen is shown again: at once, then better, then settled."""
OTHERS_SHARE = 0.25  # of the time, at most, goes into the cases that are not on screen


class Agenda:
    """Times are seconds of one clock, given with every call."""

    def __init__(self, cases: Iterable[str], now: float):
        self.opened: str | None = None
        self._round = list(cases)
        self._stale: list[str] = []
        self._news_at = self._latest = self._rest_until = now
        self._shown = len(SHOW_AFTER_S)
        self._at_once = False

    def news(self, now: float) -> None:
        """New labels came: every suggestion is out of date."""
        self._latest, self._stale = now, list(self._round)
        if self._shown > 0:  # else a show is due already, and a quick hand must not put it off for ever
            self._news_at, self._shown = now, 0

    def open(self, case: str | None) -> None:
        """Another case came on screen: it is shown first."""
        if case != self.opened:
            self.opened, self._at_once = case, True

    def due(self, now: float) -> str | None:
        """The case to show now; None while training should go on."""
        if self.opened is not None and (self._at_once or self._opened_is_due(now)):
            return self.opened
        others = [name for name in self._stale if name != self.opened]
        waited = self._shown > 0 or self.opened is None
        return others[0] if others and waited and now >= self._rest_until else None

    def shown(self, case: str, now: float, took: float) -> None:
        """``case`` has just been shown, which took that many seconds."""
        if case in self._stale:
            self._stale.remove(case)
        if case == self.opened:
            self._at_once = False
            if self._latest > self._news_at:
                self._news_at, self._shown = self._latest, 0
            self._shown = max(self._shown, sum(now - self._news_at >= after for after in SHOW_AFTER_S))
            return
        self._round.remove(case)
        self._round.append(case)  # after the next news the others have their turn before it
        self._rest_until = now + took / OTHERS_SHARE - took

    def settled(self, now: float) -> bool:
        """Nothing is left to show, and no news came for a while: there is nothing to learn either."""
        return not self._stale and not self._at_once and now - self._news_at >= SHOW_AFTER_S[-1] and (
            self.opened is None or self._shown == len(SHOW_AFTER_S)
        )

    def _opened_is_due(self, now: float) -> bool:
        return self._shown < len(SHOW_AFTER_S) and now - self._news_at >= SHOW_AFTER_S[self._shown]

"""Ctrl+C, counted: the first one is a wish that is heard when there is time, so that it never cuts a writing in two."""

from __future__ import annotations

import signal
import threading
from types import FrameType, TracebackType
from typing import Any, Self


class Interrupts:
    """While it is entered, the first Ctrl+C only makes :attr:`heard` true; the second interrupts as ever. Where one was
    ``heard`` before, it counts.
    """

    def __init__(self, heard: bool = False) -> None:
        self.heard = heard
        self._before: Any = None

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():  # no other one hears signals
            self._before = signal.signal(signal.SIGINT, self._hear)
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 where: TracebackType | None) -> None:
        if self._before is not None:
            signal.signal(signal.SIGINT, self._before)

    def _hear(self, _number: int, _frame: FrameType | None) -> None:
        if self.heard:
            raise KeyboardInterrupt
        self.heard = True

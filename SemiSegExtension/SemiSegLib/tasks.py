"""Work that would make the screen stand still, on a thread of its own: plain Python on arrays and files, no Qt."""

from __future__ import annotations

import queue
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass
class _Task:
    name: str
    work: Callable[[], Any]
    done: Callable[[Any], None]
    failed: Callable[[Exception], None]


class Tasks:
    """Runs tasks in order, one at a time. :meth:`poll`, called on the main thread by a timer, hands results over."""

    def __init__(self, name: str, failed: Callable[[str, Exception, str], None]) -> None:
        """``failed(task, error, traceback)`` is told of errors that a task does not look at itself."""
        self._name, self._failed = name, failed
        self._waiting: queue.Queue[_Task | None] = queue.Queue()
        self._finished: queue.Queue[Callable[[], None]] = queue.Queue()
        self._thread: threading.Thread | None = None
        self.busy: list[str] = []

    def run(
        self,
        name: str,
        work: Callable[[], Any],
        done: Callable[[Any], None] = lambda _: None,
        failed: Callable[[Exception], None] | None = None,
    ) -> None:
        """Do ``work()`` on the thread, then ``done(result)`` or ``failed(error)`` on the main thread."""
        self.busy.append(name)
        self._waiting.put(_Task(name, work, done, failed or (lambda error: self._tell(name, error))))
        if self._thread is None:
            self._thread = threading.Thread(target=self._loop, name=self._name, daemon=True)
            self._thread.start()

    def poll(self) -> bool:
        """Hand over what is finished; False when nothing was."""
        some = False
        while True:
            try:
                deliver = self._finished.get_nowait()
            except queue.Empty:
                return some
            some = True
            deliver()

    def finish(self, seconds: float) -> bool:
        """Wait until everything asked for is done and handed over, at most ``seconds``; for closing down."""
        if self._thread is not None:
            self._waiting.put(None)
            self._thread.join(seconds)
            alive = self._thread.is_alive()
            self._thread = None
            self.poll()
            return not alive
        return True

    def _loop(self) -> None:
        while (task := self._waiting.get()) is not None:
            self._finished.put(self._done(task))

    def _done(self, task: _Task) -> Callable[[], None]:
        try:
            result = task.work()
        except Exception as error:  # the thread must go on; the error is told on the main thread
            return self._delivery(task, task.failed, error)
        return self._delivery(task, task.done, result)

    def _delivery(self, task: _Task, then: Callable[[Any], None], value: Any) -> Callable[[], None]:
        def deliver() -> None:
            self.busy.remove(task.name)
            try:
                then(value)
            except Exception as error:  # one bad hand-over must not lose those behind it
                self._tell(task.name, error)

        return deliver

    def _tell(self, name: str, error: Exception) -> None:
        self._failed(name, error, "".join(traceback.format_exception(error)))

"""Another Slicer window on the same study, as a process: the panel's controller, training and connection over a screen
that is a plain array. ``python -m Testing.support.stand_ins.other_window`` takes orders as lines of JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[3]


class OtherWindow:
    """Started when first needed; ``kill`` it at any moment."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None

    def order(self, **what: Any) -> list[str]:
        """Have it done; what it said meanwhile."""
        if self._process is None:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
            )
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(what) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the other window is gone"
        return list(json.loads(answer))

    def kill(self) -> None:
        """With signal 9."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None


class PlainScreen:
    """What the controller needs of a screen."""

    def __init__(self) -> None:
        self.overlaps: dict[int, int] = {}
        self.proposals, self.place, self.shown = self, None, []  # type: ignore[var-annotated]
        self.array: Any = None
        self.hidden = False

    def show(self, label: Any, structures: Any) -> None: ...

    def show_earlier(self, label: Any, structures: Any) -> None: ...

    def show_image(self, case: Any) -> None: ...

    def show_labels(self, case: Any, structures: Iterable[Any]) -> None:
        self.array, self.shown = case.labels.whole(), list(structures)

    def clear_case(self) -> None:
        self.array = None

    def drawn(self) -> Any:
        from SemiSegLib.drawing import Drawing

        return None if self.array is None else Drawing.of(self.array.copy())

    def put_labels(self, labels: Any, boxed: Any) -> None:
        self.array = labels.whole()

    def structures(self) -> list[Any]:
        return list(self.shown)

    def restore(self, structures: Sequence[Any]) -> None:
        self.shown = list(structures)

    def current_slice(self) -> Any:
        return self.place

    def jump(self, place: Any, centre: Any = None) -> bool:
        self.place = place
        return True


def main() -> None:
    """Obey until the end of the orders."""
    sys.path.insert(0, str(ROOT / "SemiSegExtension"))
    from SemiSegLib.controller import Controller
    from SemiSegLogic.geometry import SliceIndex

    screen, said = PlainScreen(), []  # type: ignore[var-annotated]
    controller = Controller(screen, "other")  # type: ignore[arg-type]
    controller.listen(lambda what: said.append(controller.notice) if what == "notice" else None)

    def settle() -> None:
        while True:
            controller.poll()
            if not controller.busy:
                return
            time.sleep(0.005)

    for line in sys.stdin:
        order = json.loads(line)
        said.clear()
        controller.open_study(Path(order["study"]), order["case"])
        settle()
        place = SliceIndex(*order["place"])
        np.moveaxis(screen.array, place.axis, 0)[place.index] = np.array(order["plane"], np.uint8)
        screen.jump(place)
        controller.labelling.edited()
        controller.labelling.slice_done() if order["done"] else controller.labelling.save_now()
        settle()
        if order["done"]:
            controller.showing.close()
            settle()
        print(json.dumps([text for text, level in said if level in ("warning", "error")]), flush=True)


if __name__ == "__main__":
    main()

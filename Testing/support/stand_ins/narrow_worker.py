"""The real worker on a narrow network: ``python -m Testing.support.stand_ins.narrow_worker -m SemiSegLogic.run JOB``.

What a run does does not depend on the network's width, and a narrow one learns and suggests in a moment.
"""

from __future__ import annotations

import sys
from functools import partialmethod
from typing import Any

from SemiSegLogic import run

WIDTH = 4


def main() -> int:
    """What ``python -m SemiSegLogic.run`` does."""
    plain = run._carry_out

    def narrowed(*given: Any) -> None:
        from SemiSegLogic.engine.nets import NETWORKS, FastUNet

        narrow = type("Narrow", (FastUNet,), {"__init__": partialmethod(FastUNet.__init__, width=WIDTH)})
        NETWORKS["fast"] = narrow.for_task
        plain(*given)

    run._carry_out = narrowed
    return run.main([word for word in sys.argv[1:] if word not in ("-m", "SemiSegLogic.run")])


if __name__ == "__main__":
    sys.exit(main())

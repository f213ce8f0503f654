"""``python -m Testing.benchmarks``: the same as ``semiseg benchmark``."""

from __future__ import annotations

import sys

from .runner.command import main

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

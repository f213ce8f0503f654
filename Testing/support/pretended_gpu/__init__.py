"""A graphics card that is not there: the code takes its GPU paths, and what a real one would refuse is refused.

Numbers are computed on the processor, for real; every tensor is known to lie on the host or on the pretended card.

- An operation on tensors of both raises, as PyTorch does (a host scalar of no dimensions may go along).
- Whatever would make the host wait for the card is counted, raises under ``set_sync_debug_mode("error")``, and raises
  while a CUDA graph is being recorded.
- A CUDA graph records the operations on the card, not the Python around them: a replay repeats them on the same memory,
  with every number that Python computed frozen, as on a real card.
- The card has a random generator of its own.

What it cannot show: speed, memory, the card's own rounding, kernels that do not exist there, races between streams.
"""

from .card import PretendedGpu
from .pretending import pretended_gpu

__all__ = ["PretendedGpu", "pretended_gpu"]

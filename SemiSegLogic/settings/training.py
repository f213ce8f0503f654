"""How long, where and on what: settings of a run that no paper fixes."""

from __future__ import annotations

from dataclasses import dataclass

from .fields import Settings, choice, number, switch


@dataclass(frozen=True)
class Training(Settings):
    """One press of *Train on my labels*. A run ends at its time budget or its step budget, whichever is set."""

    seconds: float = number(120.0, "Time for training", unit="s", low=0, high=7 * 86400, advanced=False)
    steps: int = number(0, "Steps (0: by time)", low=0, high=10_000_000)
    first_mask_seconds: float = number(25.0, "Time until the first suggestion", unit="s", low=0, high=86400)
    first_mask_steps: int = number(0, "Steps until the first suggestion (0: by time)", low=0, high=10_000_000)
    held_out: float = number(0.2, "Share of the slices done that are kept aside to judge the model", low=0, high=0.5)
    seed: int = number(0, "Random seed", low=0, high=2**31 - 1)
    device: str = choice("auto", "Where to compute", ("auto", "cpu", "cuda"), advanced=False)
    precision: str = choice("auto", "Arithmetic", ("auto", "float32", "bfloat16"))
    compile: str = choice("auto", "Compile the networks (auto: runs from 30 min)", ("auto", "off", "on"))
    record: bool = switch(True, "Record the steps of a GPU and replay them")
    network: str = choice(
        "auto", "Network", ("auto", "fast", "plain", "unet", "vnet", "resunet", "resvnet", "instance")
    )
    leave_out_fragments: bool = switch(True, "Leave out small fragments of structures drawn in one piece")
    carry_outlines: bool = switch(True, "Learn at first from outlines carried to neighbouring slices, too")
    checkpoint_seconds: float = number(20.0, "Save the state every", unit="s", low=0, high=3600)
    live_rest_seconds: float = number(1800.0, "Learning while drawing: end if idle for", unit="s", low=0, high=86400)

"""The optimisers: SGD, AdamW and Muon, every one a few launches for all parameters together.

They are our own and not torch.optim's, because building one of those imports torch's compiler: more than a second of
processor time before the first step, on every start. What differs from step to step, the learning rate, lies in a
tensor on the device; nothing is read back on the host, so that a whole step can be recorded as one CUDA graph.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from . import orthogonal


class Descent(ABC):
    """Moves one group of parameters along their gradients; a parameter without a gradient stays as it is.

    ``param_groups`` holds one dictionary of ``params``, ``lr`` and the subclass's numbers; ``state_dict`` is laid out
    as in torch.optim: a state by the parameter's number.
    """

    def __init__(self, params: Iterable[Tensor], **numbers: float):
        self.param_groups: list[dict[str, Any]] = [{"params": list(params), **numbers}]
        self.state: dict[Tensor, dict[str, Tensor]] = {}
        self._rate = torch.zeros((), **_place(self._params[0])) if self._params else torch.zeros(())

    @property
    def _params(self) -> list[Tensor]:
        return self.param_groups[0]["params"]

    @torch.no_grad()
    def step(self) -> None:
        """One update of every parameter that has a gradient."""
        self.prepare()
        self.apply()

    def prepare(self) -> None:
        """Take this step's learning rate to the device: the one half of a step that depends on the host."""
        self._rate.fill_(self.param_groups[0]["lr"])

    @torch.no_grad()
    def apply(self) -> None:
        """The other half of :meth:`step`, the same launches every time."""
        live = [p for p in self._params if p.grad is not None]
        if live:
            self._update(live, [_like(p.grad, p) for p in live if p.grad is not None])

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget the gradients."""
        for p in self._params:
            p.grad = None if set_to_none or p.grad is None else p.grad.zero_()

    def state_dict(self) -> dict[str, Any]:
        """Numbers, and states by the parameter's number."""
        numbers = {key: value for key, value in self.param_groups[0].items() if key != "params"}
        order = range(len(self._params))
        state = {n: dict(self.state[p]) for n, p in enumerate(self._params) if p in self.state}
        return {"state": state, "param_groups": [{**numbers, "params": list(order)}]}

    def load_state_dict(self, saved: dict[str, Any]) -> None:
        """The inverse of :meth:`state_dict`. Raises ValueError when it is of other parameters."""
        (group,) = saved["param_groups"]
        if len(group["params"]) != len(self._params):
            raise ValueError(f"The state is of {len(group['params'])} parameters, there are {len(self._params)}.")
        self.param_groups[0] |= {key: value for key, value in group.items() if key != "params"}
        self.state = {}
        for number, values in saved["state"].items():
            mine = self._state_of(self._params[int(number)])
            for key, value in values.items():
                mine[key].copy_(value)

    def _state_of(self, p: Tensor) -> dict[str, Tensor]:
        if p not in self.state:
            self.state[p] = self._fresh(p)
        return self.state[p]

    def _gathered(self, live: list[Tensor], key: str) -> list[Tensor]:
        return [self._state_of(p)[key] for p in live]

    @abstractmethod
    def _fresh(self, p: Tensor) -> dict[str, Tensor]:
        """The state of a parameter before its first update."""

    @abstractmethod
    def _update(self, live: list[Tensor], gradients: list[Tensor]) -> None:
        """Move ``live`` by ``gradients`` of the same strides, at the rate on the device."""


class SGD(Descent):
    """v <- momentum v + g + weight_decay p,  p <- p - lr v."""

    def __init__(self, params: Iterable[Tensor], lr: float, momentum: float = 0.0, weight_decay: float = 0.0):
        super().__init__(params, lr=lr, momentum=momentum, weight_decay=weight_decay)

    def _fresh(self, p: Tensor) -> dict[str, Tensor]:
        return {"momentum_buffer": torch.zeros_like(p)} if self.param_groups[0]["momentum"] else {}

    def _update(self, live: list[Tensor], gradients: list[Tensor]) -> None:
        group = self.param_groups[0]
        momenta = self._gathered(live, "momentum_buffer") if group["momentum"] else []
        torch._fused_sgd_(
            live, gradients, momenta, weight_decay=group["weight_decay"],
            momentum=group["momentum"], lr=self._rate, dampening=0.0, nesterov=False, maximize=False,
            is_first_step=False,
        )


class AdamW(Descent):
    """Adam with decoupled weight decay (Loshchilov and Hutter 2019), betas 0.9 and 0.999."""

    def __init__(self, params: Iterable[Tensor], lr: float = 1e-3, weight_decay: float = 1e-2):
        super().__init__(params, lr=lr, weight_decay=weight_decay)

    def _fresh(self, p: Tensor) -> dict[str, Tensor]:
        count = torch.zeros((), **_place(p))
        return {"step": count, "exp_avg": torch.zeros_like(p), "exp_avg_sq": torch.zeros_like(p)}

    def _update(self, live: list[Tensor], gradients: list[Tensor]) -> None:
        counts = self._gathered(live, "step")
        torch._foreach_add_(counts, 1)
        torch._fused_adamw_(
            live, gradients, self._gathered(live, "exp_avg"), self._gathered(live, "exp_avg_sq"), [], counts,
            lr=self._rate, beta1=0.9, beta2=0.999, weight_decay=self.param_groups[0]["weight_decay"], eps=1e-8,
            amsgrad=False, maximize=False,
        )


class Muon(Descent):
    """Momentum orthogonalised by Newton-Schulz iteration (Jordan et al. 2024), for weights of two or more axes.

    A convolution kernel (out, in, d, h, w) is treated as the matrix (out, in*d*h*w), see orthogonal.py. Vectors
    (biases, norms) and heads belong into AdamW: see ``optim.muon_with_adamw``.
    """

    def __init__(self, params: Iterable[Tensor], lr: float = 0.02, momentum: float = 0.95, weight_decay: float = 0.0):
        super().__init__(params, lr=lr, momentum=momentum, weight_decay=weight_decay)

    def _fresh(self, p: Tensor) -> dict[str, Tensor]:
        return {"momentum": torch.zeros_like(p)}

    def _update(self, live: list[Tensor], gradients: list[Tensor]) -> None:
        group, momenta = self.param_groups[0], self._gathered(live, "momentum")
        torch._foreach_lerp_(momenta, gradients, 1 - group["momentum"])
        directions = torch._foreach_lerp(gradients, momenta, group["momentum"])
        factors = orthogonal.factors([_matrix(direction, p) for direction, p in zip(directions, live, strict=True)])
        torch._foreach_mul_(factors, self._rate)
        torch._foreach_mul_(live, 1 - self._rate * group["weight_decay"])
        for p, direction, factor in zip(live, directions, factors, strict=True):
            _level(p, direction, factor)


def _level(p: Tensor, direction: Tensor, factor: Tensor) -> None:
    """``p`` moved against its orthogonalised ``direction``, of which ``factor`` says how; a tall matrix takes longer
    steps.
    """
    weight, matrix = _matrix(p, p), _matrix(direction, p)
    left, right = (factor, matrix) if orthogonal.is_wide(matrix) else (matrix, factor)
    weight.addmm_(left, right, alpha=-max(1.0, matrix.shape[0] / matrix.shape[1]) ** 0.5)


def _matrix(values: Tensor, p: Tensor) -> Tensor:
    """``values``, of the shape of ``p``, as (out, rest): the columns in the order in which they lie in the memory of
    ``p``, so that nothing is copied. Their order means nothing to Muon.
    """
    inner_last = values if p.is_contiguous() else values.movedim(1, -1)
    return inner_last.view(len(p), -1)


def _place(p: Tensor) -> dict[str, Any]:
    return {"device": p.device, "dtype": p.dtype}


def _like(gradient: Tensor, p: Tensor) -> Tensor:
    """``gradient`` laid out as ``p``: the fused updates walk through both in the order of memory."""
    return gradient if gradient.stride() == p.stride() else torch.empty_like(p).copy_(gradient)

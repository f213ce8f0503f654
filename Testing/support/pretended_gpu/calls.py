"""The calls as they are written: where a device is asked for, and where the host reads."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import _disable_current_modes

from .card import PretendedGpu
from .places import GPU, HOST, same_memory, tensors_in

READS = {torch.Tensor.tolist, torch.Tensor.numpy, torch.Tensor.__array__}
UNSEEN = {torch.unravel_index}  # written in Python, and takes numbers from the host to the card
FROM_DATA = {torch.tensor, torch.as_tensor, torch.Tensor.new_tensor}


class Calls(TorchFunctionMode):
    """Sees the calls as they are written: devices that are asked for, and tensors read by the host."""

    def __init__(self, gpu: PretendedGpu):
        super().__init__()
        self.gpu = gpu

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """See torch."""
        kwargs, places = dict(kwargs or {}), self.gpu.places
        first = args[0] if args and isinstance(args[0], Tensor) else None
        if func == Tensor.device.__get__:  # type: ignore[attr-defined]
            return GPU if places.on_gpu(args[0]) else HOST
        if func == Tensor.is_cuda.__get__:  # type: ignore[attr-defined]
            return places.on_gpu(args[0])
        if func in READS and first is not None and places.on_gpu(first):
            if func is not Tensor.tolist:
                raise TypeError("can't convert cuda:0 device type tensor to numpy. Use Tensor.cpu() first.")
            self.gpu.wait("tolist")
        if func is Tensor.pin_memory:
            return args[0].clone()
        if func is F.one_hot and places.on_gpu(args[0]):  # looks at its numbers on a processor only
            classes = args[1] if len(args) > 1 else kwargs["num_classes"]
            with self.gpu.towards(True):
                return (args[0].unsqueeze(-1) == torch.arange(classes)).long()
        if func is Tensor.__setitem__ and not isinstance(args[2], Tensor):  # a card is given the number itself
            with self.gpu.writing_a_number():
                return func(*args, **kwargs)
        if func is Tensor.__deepcopy__:
            return self._copied(args[0], args[1])
        kwargs.pop("pin_memory", None)
        if func in (Tensor.to, Tensor.cuda, Tensor.cpu):
            return self._moved(func, args, kwargs)
        return self._placed(func, args, kwargs)

    def _copied(self, tensor: Tensor, memo: dict[int, Any]) -> Tensor:
        """copy.deepcopy takes memory from below, where nobody sees it."""
        copy = memo.setdefault(id(tensor), tensor.detach().clone().requires_grad_(tensor.requires_grad))
        assert isinstance(copy, Tensor)
        return copy

    def _moved(self, func: Any, args: Any, kwargs: Any) -> Any:
        tensor, wanted = args[0], {Tensor.cpu: HOST, Tensor.cuda: GPU}.get(func)
        if func is Tensor.to:
            wanted, kwargs = self._asked_of_to(list(args[1:]), kwargs)
        asynchronous = kwargs.pop("non_blocking", False)
        here = self.gpu.places.on_gpu(tensor)
        there = here if wanted is None else torch.device(wanted).type == "cuda"
        if here == there:
            return tensor.to(**kwargs) if kwargs else tensor
        if not asynchronous:
            self.gpu.wait("a copy between host and card")
        with self.gpu.towards(there):
            moved = tensor.to(**kwargs) if kwargs else tensor
            return moved.clone() if same_memory(moved, tensor) else moved

    def _asked_of_to(self, rest: list[Any], named: dict[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The device and the other arguments of Tensor.to, by name."""
        names = ["device", "dtype", "non_blocking", "copy"]
        if rest and isinstance(rest[0], Tensor):
            other = rest.pop(0)
            rest = [GPU if self.gpu.places.on_gpu(other) else HOST, other.dtype, *rest]
        elif rest and isinstance(rest[0], torch.dtype):
            names.remove("device")
        found = {**named, **dict(zip(names, rest, strict=False))}
        device = found.pop("device", None)
        return device, {name: value for name, value in found.items() if value is not None}

    def _placed(self, func: Any, args: Any, kwargs: Any) -> Any:
        wanted = kwargs.get("device")
        if wanted is None:
            return self._called(func, args, kwargs)
        there = torch.device(wanted).type == "cuda"
        kwargs["device"] = HOST
        if there and func in FROM_DATA:
            self.gpu.wait("numbers from the host")
        with self.gpu.towards(there):
            found = func(*args, **kwargs)
        if func in FROM_DATA:
            self.gpu.places.put(found, there)
        return found

    def _called(self, func: Any, args: Any, kwargs: Any) -> Any:
        there = any(self.gpu.places.on_gpu(tensor) for tensor in tensors_in([*args, *kwargs.values()]))
        if there and func in UNSEEN:
            self.gpu.wait(func.__name__)
            with _disable_current_modes():
                found = func(*args, **kwargs)
            for tensor in tensors_in([found]):
                self.gpu.places.put(tensor, True)
            return found
        with self.gpu.towards(self.gpu.forced, there or self.gpu.usual):  # what is made inside goes along
            found = func(*args, **kwargs)
        if func is Tensor.new_tensor:
            self.gpu.places.put(found, there)
        return found

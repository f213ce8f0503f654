"""The images of a run in one piece of a GPU's memory, as the product keeps them: batches are then cut at once."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from SemiSegLogic.engine.data.volumes import Volume


def put_together(volumes: Sequence[Volume]) -> None:
    """Copy the images of ``volumes``, which lie on one device, into one tensor there, and let the volumes have its
    parts. On a processor, where patches are cut one by one, nothing is done. See engine/data/pool.py.
    """
    if not volumes or volumes[0].image.device.type == "cpu":
        return
    image = volumes[0].image
    room = torch.empty(sum(volume.image.numel() for volume in volumes), dtype=image.dtype, device=image.device)
    for volume in volumes:
        part, room = room[: volume.image.numel()], room[volume.image.numel() :]
        volume.image = part.view(volume.image.shape).copy_(volume.image)

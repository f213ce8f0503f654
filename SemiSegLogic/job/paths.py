"""Where everything of a job lies."""

from __future__ import annotations

from pathlib import Path


class JobPaths:
    """The files of the job folder ``root``; what each of them holds: see folder.py."""

    def __init__(self, root: Path) -> None:
        self.root = Path(root)

    @property
    def inputs(self) -> Path:
        """Folder of what the client gives."""
        return self.root / "in"

    @property
    def outputs(self) -> Path:
        """Folder of what the runner gives back."""
        return self.root / "out"

    @property
    def beside(self) -> Path:
        """Folder of a second runner."""
        return self.root / "beside"

    @property
    def spec_path(self) -> Path:
        """job.json."""
        return self.root / "job.json"

    @property
    def submitted(self) -> bool:
        """True when the client has finished writing the job."""
        return self.spec_path.exists()

    @property
    def checkpoint(self) -> Path:
        """All that resuming needs."""
        return self.root / "model.ckpt"

    @property
    def weights(self) -> Path:
        """The final weights."""
        return self.root / "model.pt"

    @property
    def card(self) -> Path:
        """The model card."""
        return self.root / "model.json"

    @property
    def log(self) -> Path:
        """Everything the process printed."""
        return self.root / "log.txt"

    @property
    def status_path(self) -> Path:
        """How the job stands."""
        return self.root / "status.json"

    @property
    def curve_path(self) -> Path:
        """The points of the learning curve."""
        return self.root / "curves.jsonl"

    @property
    def open_path(self) -> Path:
        """The case on the person's screen."""
        return self.root / "open.json"

    @property
    def told_path(self) -> Path:
        """Which version of each case's labels the client told of."""
        return self.root / "told.json"

    @property
    def stop_path(self) -> Path:
        """There while the client wants the job to save and stop."""
        return self.root / "stop"

"""An environment found, made or repaired."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from .folder import EnvironmentFolder
from .requirements import LIST, Requirements, list_digest

ROOT = LIST.parent.parent


def default_folder() -> Path:
    """``.venv`` in the clone; in an installed extension, and where the clone may not be written, a folder of its own in
    the user's home. Raises NoHomeError.
    """
    beside = ROOT / ".venv"
    ours = (ROOT / "pyproject.toml").is_file() and (beside.is_dir() or can_write(ROOT))
    if ours:
        return beside
    from ..home import home  # opening the panel of a clone needs it not

    return home() / ".semiseg" / "environment"


def can_write(folder: Path) -> bool:
    """Tried, for what a system says of rights is not what it does on a share or on Windows."""
    try:
        with tempfile.TemporaryFile(dir=folder):
            return True
    except OSError:
        return False


def prepare(
    folder: Path, requirements: Requirements, base: Path = Path(sys.executable), *, build: str | None = None,
    bundle: Path | None = None,
) -> EnvironmentFolder:
    """The environment in ``folder``, which is made with ``base`` or repaired where needed.

    ``build`` of PyTorch: see builds.py; None: the usual one. ``bundle``: nothing is downloaded, all comes from there.
    Raises EnvironmentProblem.
    """
    environment = EnvironmentFolder(folder)
    if not environment.is_ready(requirements.digest, requirements.extras):
        environment.check_usable()
        with environment.alone():
            if not environment.is_ready(requirements.digest, requirements.extras):  # another may just have finished it
                _set_up(environment, requirements, base, build, bundle)
    return environment


def _set_up(
    environment: EnvironmentFolder, wanted: Requirements, base: Path, build: str | None, bundle: Path | None
) -> None:
    if bundle is None:
        environment.make(base)
        alone = environment.is_borrowed or not can_write(ROOT)  # pip writes into a clone that it installs
        arguments = wanted.without_this_copy() if alone else wanted.arguments
        environment.install(arguments, wanted.digest, wanted.extras, build, wanted.modules)
        return
    from .bundle import Bundle  # not before somebody has one: the panel opens without it

    given = Bundle.open(bundle)
    given.check_fits(base, list_digest())
    environment.make(base)
    with given.wheels(environment.root) as wheels:
        environment.install(given.arguments(wheels), wanted.digest, modules=wanted.modules)

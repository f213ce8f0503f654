"""Names of files as ITK takes them."""

from __future__ import annotations

import os
from pathlib import Path

from ..errors import ImageError


def itk_name(path: str | Path) -> str:
    """The name of a file or folder for ITK: text that is UTF-8 on the disk. Raises ImageError for any other, of which
    zips packed on an older Windows are full: on such a name ITK ends the whole process, and Slicer with it.
    """
    name = os.fsencode(path)
    try:
        return name.decode()
    except UnicodeDecodeError as error:
        raise ImageError(f"{name.decode(errors='replace')} cannot be read or written: its name, or that of a folder "
                         "above it, is not written in UTF-8. Rename it in plain letters.") from error

"""What can go wrong while packages are installed, in words. Standard library only."""

from __future__ import annotations

import errno
import math
import platform
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from .requirements import PYTHONS, pythons_in_words

ROOM_GB = 6
AGAIN = "Then try again: it continues where it stopped."
ELSEWHERE = "Choose another folder (in a terminal with --environment PATH, in Slicer under More choices)."


class EnvironmentProblem(RuntimeError):
    """The environment cannot be set up. ``text`` says why and what to do; ``details`` are another program's words."""

    def __init__(self, text: str, details: str = "") -> None:
        super().__init__(f"{details}\n\n{text}" if details else text)
        self.text = text


_FULL = ("No space left on device", "Errno 28", "WinError 112", "not enough space on the disk", "Disk quota exceeded",
         "Errno 122")
_CERTIFICATE = ("CERTIFICATE_VERIFY_FAILED", "SSLCertVerificationError", "SSLError",
                "TLS CA certificate bundle")
_PROXY = ("ProxyError", "Tunnel connection failed", "407 Proxy", "Cannot connect to proxy")
_BROKEN_OFF = ("IncompleteRead", "Connection broken", "ConnectionResetError", "Connection reset", "ReadTimeout",
               "RemoteDisconnected", "IncompleteDownloadError", "not enough bytes")
_NETWORK = ("NewConnectionError", "name resolution", "ConnectTimeout", "Max retries", "Network is unreachable",
            "Connection refused", "getaddrinfo failed")
_LONG_PATH = ("Windows Long Path", "path too long", "WinError 206")
_HELD = ("WinError 5]", "WinError 32]", "Permission denied", "Errno 13", "Access is denied")
_DAMAGED = ("DO NOT MATCH THE HASHES", "Bad CRC-32", "BadZipFile", "zipfile.BadZip", ".whl is invalid")
_NOT_BUILT = ("metadata-generation-failed", "Failed building wheel", "failed-wheel-build-for-install")
"""Where a package has no build for a new Python, pip tries its source, which needs a compiler."""


def explain(errors: Sequence[str], folder: Path) -> str:
    """What pip's last lines mean, with the remedy."""
    text = "\n".join(errors)
    no_network = ("pip could not reach the Python package index. Connect to the internet; behind a proxy set "
                  f"HTTPS_PROXY or pip's own configuration; without a network use an offline bundle. {AGAIN}")
    no_build = ("A required package has no version for this computer's system and "
                f"Python {sys.version.split()[0]}. Try another Python ({pythons_in_words()}, 64-bit).")
    signs = (
        (_FULL, _full(folder)),
        (_CERTIFICATE, "The connection is not trusted: a company's firewall or a wrong clock is the usual reason. Set "
         "the clock; or ask your IT to have this computer trust the company's certificate, or for the file of it, and "
         f"name that in the variable PIP_CERT before Slicer is started; or use an offline bundle. {AGAIN}"),
        (_PROXY, "The proxy server refused the connection. Ask your IT for the proxy's address and set it in the "
         f"variable HTTPS_PROXY, or use an offline bundle. {AGAIN}"),
        (_DAMAGED, f"A downloaded file is damaged, and was not installed. {AGAIN}"),
        (_BROKEN_OFF, f"The connection broke off in the middle of a download. Check the network. {AGAIN}"),
        (_NETWORK, no_network),
        (_LONG_PATH, f"Windows refuses paths as long as those below {folder}. {ELSEWHERE} A short path is best."),
        (_HELD, f"A file in {folder} is in use by another program, or may not be written. Stop a running training, "
         f"close other Slicer windows, and let your protection software allow this folder. {AGAIN}"),
        (("ResolutionImpossible", "conflicting dependencies"), "Packages that are already there conflict with those "
         "that SemiSeg needs. Use a private environment, which nothing else shares."),
        (("(from versions: none)",), no_network if has_builds() else no_build),
        ((*_NOT_BUILT, "No matching distribution"), no_build),
    )
    found = next((meaning for signs_, meaning in signs if any(sign in text for sign in signs_)), None)
    return found or f"pip could not install what SemiSeg needs into {folder}. {AGAIN}"


def may_pass(errors: Sequence[str]) -> bool:
    """Whether it is worth while to try again at once: a line that broke off, a file that protection software held."""
    text = "\n".join(errors)
    return any(sign in text for sign in (*_BROKEN_OFF, *_DAMAGED, "WinError 5]", "WinError 32]"))


def explain_disk(error: OSError, folder: Path) -> str:
    """What an error of the operating system means, with the remedy."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT) or getattr(error, "winerror", None) == 112:
        return _full(folder)
    reason = error.strerror or str(error)
    where = error.filename or folder
    return f"{where} cannot be written: {reason}. Close programs that may be using it. {ELSEWHERE}"


def has_builds(
    version: tuple[int, ...] = sys.version_info[:2], wide: bool = sys.maxsize > 2**32, system: str = sys.platform,
    machine: str = "", libc: str = "",
) -> bool:
    """Whether all packages are known to have builds for such a Python: of a known version, 64-bit, on Linux with
    glibc. "From versions: none", as pip says, then means that it did not see the index.
    """
    if version not in PYTHONS or not wide:
        return False
    if system == "win32":
        return (machine or platform.machine()).upper() != "ARM64"
    return system != "linux" or (libc or platform.libc_ver()[0]) == "glibc"


def free_gb(folder: Path) -> float:
    """Room on the disk of ``folder``, which need not exist yet, in 10^9 bytes; infinite where that is not told."""
    there = next((place for place in (folder, *folder.absolute().parents) if place.exists()), folder)
    try:
        return shutil.disk_usage(there).free / 1e9
    except OSError:
        return math.inf


def _full(folder: Path) -> str:
    """The folder for temporary files may lie on another disk, and be the one that is full."""
    temporary = Path(tempfile.gettempdir())
    if free_gb(temporary) < min(ROOM_GB, free_gb(folder)):
        return (f"The disk of the folder for temporary files, {temporary}, is full. Free about {ROOM_GB} GB there. "
                f"{AGAIN}")
    return (f"The disk is full, or your share of it used up (environment {folder}). Free about {ROOM_GB} GB, or choose "
            f"another folder (in a terminal with --environment PATH, in Slicer under More choices). {AGAIN}")

"""What can go wrong while packages are installed, in words. Standard library only."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from .requirements import pythons_in_words

ROOM_GB = 6
AGAIN = "Then try again: it continues where it stopped."
ELSEWHERE = "Choose another folder (in a terminal with --environment PATH, in Slicer under More choices)."


class EnvironmentProblem(RuntimeError):
    """The environment cannot be set up. ``text`` says why and what to do; ``details`` are another program's words."""

    def __init__(self, text: str, details: str = "") -> None:
        super().__init__(f"{details}\n\n{text}" if details else text)
        self.text = text


_CERTIFICATE = ("CERTIFICATE_VERIFY_FAILED", "SSLCertVerificationError", "SSLError")
_PROXY = ("ProxyError", "Tunnel connection failed", "407 Proxy", "Cannot connect to proxy")
_BROKEN_OFF = ("IncompleteRead", "Connection broken", "ConnectionResetError", "Connection reset", "ReadTimeout",
               "RemoteDisconnected", "IncompleteDownloadError", "not enough bytes")
_NETWORK = ("NewConnectionError", "name resolution", "ConnectTimeout", "Max retries", "Network is unreachable",
            "Connection refused", "getaddrinfo failed", "(from versions: none)")
_LONG_PATH = ("Windows Long Path", "path too long", "WinError 206")
_HELD = ("WinError 5]", "WinError 32]", "Permission denied", "Errno 13", "Access is denied")
_DAMAGED = ("DO NOT MATCH THE HASHES", "Bad CRC-32", "BadZipFile", "zipfile.BadZip")
_NOT_BUILT = ("metadata-generation-failed", "Failed building wheel", "failed-wheel-build-for-install")
"""Where a package has no build for a new Python, pip tries its source, which needs a compiler."""


def explain(errors: Sequence[str], folder: Path) -> str:
    """What pip's last lines mean, with the remedy."""
    text = "\n".join(errors)
    signs = (
        (("No space left on device", "Errno 28", "WinError 112", "not enough space on the disk"), _full(folder)),
        (_CERTIFICATE, "The connection is not trusted: a company's firewall or a wrong clock is the usual reason. Set "
         "the clock, or ask your IT for its certificate file and name it in the variable PIP_CERT, or use an offline "
         f"bundle. {AGAIN}"),
        (_PROXY, "The proxy server refused the connection. Ask your IT for the proxy's address and set it in the "
         f"variable HTTPS_PROXY, or use an offline bundle. {AGAIN}"),
        (_DAMAGED, f"A downloaded file is damaged, and was not installed. {AGAIN}"),
        (_BROKEN_OFF, f"The connection broke off in the middle of a download. Check the network. {AGAIN}"),
        (_NETWORK, "pip could not reach the Python package index. Connect to the internet; behind a proxy set "
         f"HTTPS_PROXY or pip's own configuration; without a network use an offline bundle. {AGAIN}"),
        (_LONG_PATH, f"Windows refuses paths as long as those below {folder}. {ELSEWHERE} A short path is best."),
        (_HELD, f"A file in {folder} is in use by another program, or may not be written. Stop a running training, "
         f"close other Slicer windows, and let your protection software allow this folder. {AGAIN}"),
        (("ResolutionImpossible", "conflicting dependencies"), "Packages that are already there conflict with those "
         "that SemiSeg needs. Use a private environment, which nothing else shares."),
        ((*_NOT_BUILT, "No matching distribution"), "A required package has no version for this computer's system and "
         f"Python {sys.version.split()[0]}. Try another Python ({pythons_in_words()}, 64-bit)."),
    )
    found = next((meaning for signs_, meaning in signs if any(sign in text for sign in signs_)), None)
    return found or f"pip could not install what SemiSeg needs into {folder}. {AGAIN}"


def explain_disk(error: OSError, folder: Path) -> str:
    """What an error of the operating system means, with the remedy."""
    if error.errno == 28 or getattr(error, "winerror", None) == 112:
        return _full(folder)
    reason = error.strerror or str(error)
    where = error.filename or folder
    return f"{where} cannot be written: {reason}. Close programs that may be using it. {ELSEWHERE}"


def _full(folder: Path) -> str:
    return (f"The disk is full (environment {folder}). Free about {ROOM_GB} GB, or choose another folder (in a "
            f"terminal with --environment PATH, in Slicer under More choices). {AGAIN}")

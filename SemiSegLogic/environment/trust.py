"""The certificates that this computer trusts, for a pip before 24.2: it knows those of its own list only, and not that
of a company whose firewall looks into every connection, which the company's IT put among the system's. Standard library
only.
"""

from __future__ import annotations

import contextlib
import os
import ssl
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

SIGNS = ("CERTIFICATE_VERIFY_FAILED", "SSLCertVerificationError")
CHOSEN = ("PIP_CERT", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")
"""By which a person chooses certificates: then those are meant, and no others."""


def is_distrusted(errors: Sequence[str]) -> bool:
    """Whether pip refused a connection whose certificate it does not know, and nobody chose those it shall know."""
    return any(sign in line for line in errors for sign in SIGNS) and not any(map(os.environ.get, CHOSEN))


@contextlib.contextmanager
def of_the_system(wanted: bool = True) -> Iterator[dict[str, str]]:
    """Variables by which pip trusts whom this computer trusts, while it runs; empty where that cannot be told, or is
    not ``wanted``.
    """
    if not wanted:
        yield {}
        return
    paths = ssl.get_default_verify_paths()  # both None where there is no such file or folder
    there = paths.cafile or (paths.capath if paths.capath and any(os.scandir(paths.capath)) else None)
    if there is not None:
        yield {"PIP_CERT": there}
        return
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as place:
        known = ssl.create_default_context().get_ca_certs(binary_form=True)  # of Windows' store
        bundle = Path(place) / "certificates.pem"
        bundle.write_text("".join(map(ssl.DER_cert_to_PEM_cert, known)), "ascii")
        yield {"PIP_CERT": str(bundle)} if known else {}

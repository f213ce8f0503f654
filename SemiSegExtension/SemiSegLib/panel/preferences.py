"""What belongs to the person and not to a study, in Slicer's settings."""

from __future__ import annotations

import qt


class Preferences:
    """Texts under ``SemiSeg/`` in QSettings."""

    def get(self, key: str, default: str = "") -> str:
        settings = qt.QSettings()
        return str(settings.value(f"SemiSeg/{key}")) if settings.contains(f"SemiSeg/{key}") else default

    def set(self, key: str, value: str) -> None:
        qt.QSettings().setValue(f"SemiSeg/{key}", value)

"""Every text of the module that a person reads, and the template that translators fill in.

``python -m Testing.translations`` writes Resources/Translations/SemiSeg.ts with Qt's own ``lupdate`` (from PySide6).
Slicer names the context of a text after its package and file, as ``slicer.i18n`` does.
"""

from __future__ import annotations

import ast
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
MODULE = ROOT / "SemiSegExtension"
TEMPLATE = ROOT / "Resources" / "Translations" / "SemiSeg.ts"


def context(path: Path) -> str:
    """The context of the texts in a file."""
    return f"{path.parent.name}.{path.stem}" if (path.parent / "__init__.py").exists() else path.stem


def texts(path: Path) -> Iterator[tuple[int, str]]:
    """(line, text) of every ``_("...")`` in a file. Raises ValueError where the text is put together at run time."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "_":
            (argument,) = node.args
            if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                yield node.lineno, argument.value
            elif isinstance(argument, (ast.JoinedStr, ast.BinOp)):
                raise ValueError(f"{path.name}:{node.lineno}: a text put together at run time cannot be translated")


def files() -> list[Path]:
    """All Python files of the module."""
    return sorted(MODULE.rglob("*.py"))


def write(template: Path) -> None:
    """The template, made by Qt's tool from the texts alone."""
    tool = shutil.which("pyside6-lupdate", path=str(Path(sys.executable).parent)) or shutil.which("pyside6-lupdate")
    if tool is None:
        raise FileNotFoundError("pyside6-lupdate is missing: pip install 'semiseg[slicer]'")
    with tempfile.TemporaryDirectory() as folder:
        sources = []
        for path in files():
            calls = "".join(_call(context(path), text) for _line, text in texts(path))
            if calls:
                sources.append(Path(folder) / f"{context(path)}.py")
                sources[-1].write_text(calls, encoding="utf-8")
        template.parent.mkdir(parents=True, exist_ok=True)
        template.unlink(missing_ok=True)
        command = [tool, "-silent", "-no-obsolete", "-locations", "none", *map(str, sources), "-ts", str(template)]
        subprocess.run(command, check=True)


def _call(where: str, text: str) -> str:
    """A line that lupdate understands, whatever quotes the text holds."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'translate("{where}", "{escaped}")\n'


if __name__ == "__main__":
    write(TEMPLATE)

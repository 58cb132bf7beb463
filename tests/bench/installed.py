# SPDX-License-Identifier: Apache-2.0
"""The interpreter as an installation has it, in which whole processes are measured.

An editable installation hooks into every start of its interpreter, which would be counted with a bare
`python -c pass` and flatter all beside it; and without compiled modules each start would compile them.
"""

from __future__ import annotations

import os
import subprocess
import sys
import sysconfig
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

ROOT: Final = Path(__file__).parents[2]
_BUNDLE: Final = "import sys; from bundletools.cli import main; sys.exit(main())"


@dataclass(frozen=True, slots=True, kw_only=True)
class Installed:
    """An environment of its own with the project's modules and those it needs."""

    python: Path
    environment: dict[str, str]

    @classmethod
    def make(cls, folder: Path) -> Self:
        """In `folder`, which is the caller's to remove."""
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder / "environment"], check=True)
        (modules,) = (folder / "environment" / "lib").glob("python*/site-packages")
        places = (ROOT, ROOT / "tools", sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))
        (modules / "project.pth").write_text("".join(f"{place}\n" for place in dict.fromkeys(places)))
        environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
        home = folder / "home"
        home.mkdir(mode=0o700)
        environment |= {
            "HOME": str(home),
            "GNUPGHOME": str(home),
            "XDG_CONFIG_HOME": str(home),
            "PYTHONPYCACHEPREFIX": str(folder / "compiled"),
        }
        return cls(python=folder / "environment" / "bin" / "python", environment=environment)

    def run(self, *command: str | Path, codes: tuple[int, ...] = (0,), folder: Path = ROOT) -> str:
        """What a program prints. Raises RuntimeError where it ends with another code than these."""
        done = subprocess.run(
            command, cwd=folder, env=self.environment, check=False, capture_output=True, text=True
        )
        if done.returncode not in codes:
            raise RuntimeError(f"{command[0]} ended with {done.returncode}: {done.stderr or done.stdout}")
        return done.stdout

    def nothing(self) -> str:
        """A bare start of the interpreter."""
        return self.run(self.python, "-c", "pass")

    def script(self, text: str, *words: str | Path) -> str:
        return self.run(self.python, "-c", text, *words)

    def bundle(self, *words: str | Path) -> str:
        """The command of the project."""
        return self.run(self.python, "-c", _BUNDLE, *words)

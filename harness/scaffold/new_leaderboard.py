"""The beginning of a repository in which several people keep one leaderboard."""

import tempfile
from importlib.resources import files
from pathlib import Path

import harness
from harness.errors import UsageError
from harness.storage.disk import disk_errors, move, write_whole

WRITTEN_AS = {
    "README.md": "README.md",
    "CONTRIBUTING.md": "CONTRIBUTING.md",
    "requirements.txt": "requirements.txt",
    "leaderboard.yml": ".github/workflows/leaderboard.yml",
    "bundles.md": "bundles/README.md",
}
"""By the name in this package, where each file is in the repository."""
_VERSION = "VERSION"


def leaderboard_files() -> dict[str, str]:
    """Return the text of each file by its path in the repository; it verifies and publishes by this version."""
    folder = files("harness.scaffold") / "leaderboard"
    found = {place: (folder / name).read_text(encoding="utf-8") for name, place in WRITTEN_AS.items()}
    return found | {"requirements.txt": found["requirements.txt"].replace(_VERSION, harness.__version__)}


def write_leaderboard(folder: Path) -> Path:
    """Write the files into a new or empty ``folder``, all or none; return it. Raises `UsageError`, `MachineError`."""
    with disk_errors(folder):
        if folder.is_symlink() or (folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))):
            raise UsageError(f"{folder} exists and is not an empty folder", fix="name another one")
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".new-leaderboard-", dir=folder.parent) as beside:
            draft = Path(beside, "draft")
            for place, text in leaderboard_files().items():
                (draft / place).parent.mkdir(parents=True, exist_ok=True)
                write_whole(draft / place, text.encode())
            move(draft, folder)
    return folder

import pytest

from harness.outgoing import secrets


@pytest.fixture(autouse=True)
def _forgotten(monkeypatch):
    """Let each test begin with nothing remembered, and leave nothing behind."""
    monkeypatch.setattr(secrets, "_known", {})

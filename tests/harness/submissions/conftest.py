import pytest


@pytest.fixture(scope="session")
def drawn(drawn_results):
    """The class that draws results."""
    return drawn_results.Drawn


@pytest.fixture(scope="session")
def tools(drawn_results):
    """What reads, writes and forges a bundle by its members."""
    return drawn_results.Tools

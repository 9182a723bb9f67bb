"""MLflow's client: opened at an address, its pages all read, and its errors as one sentence with a remedy."""

import harness.results.mlflow_settings  # noqa: F401

# isort: split
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from mlflow.exceptions import MlflowException
from mlflow.tracking import MlflowClient
from sqlalchemy.exc import SQLAlchemyError

from harness.errors import MachineError
from harness.outgoing.secrets import shown_address, without_secrets
from harness.storage.databases import GARBLED, create_database, local_remedy, open_database


def open_client(uri: str) -> MlflowClient:
    """Return a client at an address; a database file is created whole before it is opened."""
    create_database(uri, _opened)
    open_database(uri)
    return _opened(uri)


def _opened(uri: str) -> MlflowClient:
    client = MlflowClient(uri)
    client.search_experiments(max_results=1)  # makes the tables where there are none
    return client


@contextmanager
def answering(uri: str, problem: str, fix: str = "check --tracking-uri and that its server runs") -> Iterator[None]:
    """Turn an error of MLflow, of its database or of the network into a `MachineError`."""
    try:
        yield
    except (MlflowException, SQLAlchemyError, sqlite3.Error, OSError, *GARBLED) as error:
        what = f"MLflow at {shown_address(uri)} {problem}: {_first_line(error)}"
        raise MachineError(what, fix=local_remedy(uri, error) or fix) from error


def all_pages(search: Callable[[str | None], Any]) -> list[Any]:
    """Return what a search finds on all its pages; ``search`` takes the token of a page."""
    page = search(None)
    found = list(page)
    while page.token:
        page = search(page.token)
        found += page
    return found


def _first_line(error: Exception) -> str:
    text = without_secrets(str(error)).strip()
    return text.splitlines()[0] if text else type(error).__name__

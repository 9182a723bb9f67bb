"""Addresses that can work pass, also where nobody answers; the others are refused, and never repeated."""

import pytest

from harness.errors import HarnessError, MachineError, UsageError
from harness.storage.addresses import check_storage, check_tracking

PORT = "http://127.0.0.1:9"


@pytest.mark.parametrize(
    "uri",
    [
        *(PORT, f"{PORT}/base/path", "https://me:secret@mlflow.example.org", "http://[::1]:5000/", "databricks"),
        *("databricks://profile", "sqlite:///results.db", "sqlite:////absolute/results.db"),
    ],
)
def test_an_address_that_can_work_passes(uri):
    check_tracking(uri)


def test_a_database_of_studies_passes():
    check_storage("sqlite:///studies.db")
    check_storage("sqlite:////absolute/studies.db")


@pytest.mark.parametrize("check", [check_tracking, check_storage])
@pytest.mark.parametrize(
    ("uri", "kind"),
    [
        ("secret", UsageError),
        ("secret@host", UsageError),
        ("file:///tmp/secret", UsageError),
        ("http://[secret/", UsageError),
        ("postgresql://u:secret@h:port/x", UsageError),
        ("sqlite+nope:///secret", UsageError),
        ("mssql+pyodbc://u:secret@h/x", MachineError),
        ("", UsageError),
    ],
)
def test_what_cannot_work_is_refused_and_not_repeated(check, uri, kind):
    with pytest.raises(HarnessError) as caught:
        check(uri)
    assert type(caught.value) is kind
    assert caught.value.fix
    assert "secret" not in str(caught.value)

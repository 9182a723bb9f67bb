"""A bundle as the tables that the reports read: the same values as from the MLflow that it was written from."""

from harness.results import names
from harness.results.published import PublishedRun, ReadDocument
from harness.results.reading import Results, results_of
from harness.submissions.bundle import Bundle


def published_runs(bundle: Bundle) -> list[PublishedRun]:
    """Return every run as it was published, the oldest first."""
    return [run.read(whole=False) for run in bundle.runs(names.RESULT)]


def studies(bundle: Bundle) -> list[ReadDocument]:
    """Return the records of all studies, the oldest first."""
    found = [run.document(names.STUDY_FILE) for run in bundle.runs(names.STUDY)]
    return [document for document in found if document is not None]


def read(bundle: Bundle) -> Results:
    """Return the results that a bundle holds; those of one that does not verify mean nothing."""
    return results_of(bundle.facts.dataset, published_runs(bundle), studies(bundle))

"""Settings that MLflow reads while it is imported; import this module before it."""

import logging
import os
import tempfile
from pathlib import Path

os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
os.environ.setdefault("MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR", "false")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "2")
os.environ.setdefault("MLFLOW_HTTP_REQUEST_TIMEOUT", "20")
os.environ.setdefault("MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT", "true")  # stdout is ours, JSON at times
os.environ.setdefault("MLFLOW_LOGGING_LEVEL", "WARNING")  # a first run tells of its database migrations line by line

try:
    Path.home()
except RuntimeError:  # neither HOME nor an entry among the users, as in some containers: MLflow cannot be imported then
    os.environ["HOME"] = tempfile.gettempdir()

logging.getLogger("mlflow.store.db.utils").setLevel(logging.CRITICAL)  # what it logs, with a traceback, it raises too

"""Trainings kept in MLflow: the only place that knows it, and never part of what answers."""

import os

# Read when MLflow is imported, so set before anything here can do so. It would else report
# its use to its makers, talk to the terminal, and try an address that is away for minutes.
for _name, _value in {
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "MLFLOW_LOGGING_LEVEL": "CRITICAL",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_HTTP_REQUEST_MAX_RETRIES": "2",
}.items():
    os.environ.setdefault(_name, _value)

"""Trainings kept in MLflow: the only place that knows it, and never part of what answers."""

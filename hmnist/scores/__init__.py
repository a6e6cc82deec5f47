"""Scores of predictions, their intervals, reports, and tests of whether two models differ."""

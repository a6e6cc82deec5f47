"""Probabilities to diagnoses: calibration, decisions, soft voting."""

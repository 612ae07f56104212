"""Worlds with a known truth, for tools/verdict_calibration.py."""

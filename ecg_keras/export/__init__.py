"""Trained networks for TensorFlow Serving."""

from ecg_keras.export.card import Card, read_card
from ecg_keras.export.saved_model import export_saved_model

__all__ = ["Card", "export_saved_model", "read_card"]

"""Advice before a study: which checkpoint, which way of training, and how sure that is."""

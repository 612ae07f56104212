"""From the predictions of many runs to verdicts: paired, over seeds, folds and patients."""

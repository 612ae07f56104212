"""What fair_tuning.py runs, and what it asks of the logs."""

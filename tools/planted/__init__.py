"""What planted_truths.py plants: simulated ECGs, a small network, and pre-trainings."""

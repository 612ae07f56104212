"""The combinations of callbacks that callback_combinations.py tries."""

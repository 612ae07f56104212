"""Random changes of training ECGs; docs/augmentation.md shows each of them."""

"""What tools/docs_tables.py writes: a module for each part of the package that has tables."""

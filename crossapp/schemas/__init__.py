"""JSON Schemas of the files that users write, for their editors: `python -m crossapp.schemas` writes them anew."""

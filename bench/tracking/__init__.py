"""What was run, with what and how it went, in an MLflow store.

`bench.tracking.store` is the only module of the suite that imports mlflow, and only when a store is
opened.
"""

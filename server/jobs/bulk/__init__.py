"""Imports, bulk edits and their undo: each runs in a process of its own, started by bulk_job."""

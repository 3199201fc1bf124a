"""The kernel: drive, record, judge, report. It knows no application by name."""

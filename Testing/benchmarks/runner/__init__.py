"""The benchmark runner: protocols and recipes as data, a queue that resumes exactly, rows, tables, plots."""

"""The benchmark runner: protocols and recipes as data, a queue that resumes exactly, rows, tables, plots.

``definitions``, ``data``, ``evaluation``, ``training``, ``queue``: each uses those before it. ``report`` is made of
rows and definitions alone; ``command`` is the command line of it all.
"""

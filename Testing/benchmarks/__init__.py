"""Measurements: a script each, in rooms by the question it answers; the tables they made lie in results/.

``speed``, ``waiting``, ``memory``: what it costs. ``methods``, ``few_slices``, ``decisions``: what is learned.
``simulated``: whole studies, with expert labels in the place of a clinician. ``gpu_session``: all that wants a graphics
card. ``runner`` is ``semiseg benchmark``: published protocols as data, in ``protocols``. ``shared``: what several need.
"""

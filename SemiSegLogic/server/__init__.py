"""A server for computers that share no disk with it: ``semiseg serve``.

    clinician's computer                              this computer
    courier  ──https, a token──▶  app ─▶ desk ─▶ shelf (what was sent), job folders ─▶ a backend, which runs the jobs

It takes data only: an order that names one of our methods with numbers in bounds, arrays, and weights that are read
without unpickling. Whoever steals a token can waste time on the graphics card, and run no program.
"""

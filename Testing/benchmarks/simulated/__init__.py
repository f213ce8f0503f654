"""What does a whole study cost a person, and are the product's promises kept in it?

Expert labels stand in for a clinician (``clinician``, whose ways of working are ``arms``), or whole studies are drawn
by number (``studies``): is the expected Dice honest, are the flags right, is the recommended choice safe, and how
should its contest end (``endings``)?
"""

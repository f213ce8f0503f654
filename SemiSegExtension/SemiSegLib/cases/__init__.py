"""The cases of a study: added, put on screen, mended, reviewed, exported."""

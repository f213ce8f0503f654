"""Made data: images, shapes and volumes out of the ordinary, each with the truth beside it."""

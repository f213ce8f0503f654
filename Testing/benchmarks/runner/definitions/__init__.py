"""What is written down: data sets, protocols, recipes, and the runs that they ask for. No torch."""

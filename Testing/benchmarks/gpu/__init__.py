"""What does a graphics card make of it? The pieces of the one command ``Testing.benchmarks.gpu_session``."""

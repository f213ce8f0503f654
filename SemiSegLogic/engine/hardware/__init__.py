"""The computer: which device and arithmetic, how fast it is, how many threads, what memory it keeps."""

"""What one GPU does with the suite, measured in one run of eight minutes: `python -m tests.gpu`."""

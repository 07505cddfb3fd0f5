"""Tests of the documentation: its commands, files and examples."""

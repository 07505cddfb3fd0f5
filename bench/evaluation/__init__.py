"""Anyone's score file: read, checked against the keys, judged by the official definitions."""

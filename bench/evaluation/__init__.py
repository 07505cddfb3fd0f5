"""Anyone's score file: read, checked against the keys, evaluated by the official definitions."""

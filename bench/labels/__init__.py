"""Labels of frames: from spans in seconds to one class a frame, and from classes to places in a
segment."""

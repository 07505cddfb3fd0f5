"""Augmentation of training clips: RawBoost on waveforms, Cross-Segment Mixing on clips with their
labels."""

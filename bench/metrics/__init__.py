"""Figures of merit, in NumPy, from scores by class or from the frames of many utterances.

Fractions everywhere (the tracking store and reports turn them into per cent), a higher score means
more bona fide. Each figure is imported from the module that defines it:

- of whole utterances, functions of a tally (`tally`): EER and DET points (`det`; other formulas in
  `eer_variants`), AUC (`auc`), t-DCF (`tdcf`), minDCF and actDCF (`dcf`), Cllr (`cllr`); and the
  trials that a figure of one attack or codec is computed from (`breakdown`);
- of frames on a time axis (`timeline`): segment and utterance EER (`grid`), range EER (`ranges`),
  precision, recall and F1 (`f1`), errors by place (`positions`);
- how sure they are: intervals (`bootstrap`, and at a fixed threshold `ratios`), who is drawn
  (`plans`), two systems on the same trials (`paired`), several seeds (`seeds`), several test sets
  in one figure (`combined`).

`scores` is the suite's own score file and the one place that turns it into figures; it alone needs
pyarrow. `catalogue` has the name and unit that each figure is printed with.
"""

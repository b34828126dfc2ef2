"""What a search finds in a given time, beside the tools that a user would pick instead.

The rules, the same for all:

- The same images, decoded beforehand and held in memory, the same holdout split, the same space,
  networks, schedules and augmentations, the same most epochs a trial and the same seconds, which
  count from the command to its kill: starting up is part of it.
- What counts is the validation accuracy of any epoch of any trial, at the second it was known: a
  peer's on the line after its evaluation, ours once it can be read from the study's database.
- Nobody is given the hand-tuned network to try. Whoever samples at random (Ray Tune, scikit-learn,
  Keras Tuner and `ours-drawn`) tries the very same candidates in the same order; Optuna has its own
  sampler, and `ours` what it begins with at its defaults. Its trials may be shorter than those of
  the others, as a budget chooses their epochs.
- The accuracy to beat is that of the hand-tuned network's best epoch, trained once on the same
  split by a plain loop for the same epochs; that time is in nobody's budget.
- A peer trains as its users write it, in torch's fp32; each module says with which settings. Where
  a choice was open, the one that is kinder to the peer was taken.
"""

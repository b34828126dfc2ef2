"""Runs a study's search: ends what a dead run left, then schedules, through outages."""

import math
import time

from search.errors import MachineError
from search.events import Listener, fan_out
from search.executors.base import Executor
from search.files import remove_folder
from search.stopping import StopRequest
from search.tuning.budget import Budget
from search.tuning.opening import OpenStudy, with_stored_plan
from search.tuning.outages import FilesError, Outages, file_errors
from search.tuning.recorder import TrialRecorder
from search.tuning.run_events import TrialEnded
from search.tuning.scheduler import Scheduler


def run_search(
    opened: OpenStudy,
    executor: Executor,
    listener: Listener,
    stop: StopRequest,
    budget: Budget | None = None,
    outages: Outages | None = None,
) -> bool:
    """Run every open trial of the study, or as many as a time budget allows.

    While files, or the place where trials run, are out of reach it waits, and then goes on from the
    study as stored.

    Args:
        opened: The study.
        executor: Where trials run.
        listener: Receives every event.
        stop: Ends the search after the epochs that train.
        budget: How the time of the whole command is spent, where it is limited.
        outages: How it waits for files; by default for some minutes.

    Returns:
        False if it was stopped before all was done.

    Raises:
        UserError: No candidate can be trained.
        MachineError: Files cannot be written or read, or no training can run, and that lasts.
    """
    outages = outages or Outages(opened, listener, stop)
    timeout, told = opened.recipe.timeout, fan_out(outages.note, listener)
    deadline = math.inf if timeout is None else time.monotonic() + timeout
    scheduler: Scheduler | None = None
    with stop.accepted():
        while True:
            try:
                with file_errors(opened):
                    TrialRecorder(opened).end_stale_trials()
                    remove_folder(opened.paths.work_dir)
                    again = scheduler is not None
                    planned = with_stored_plan(opened) if again else opened
                    scheduler = Scheduler(planned, executor, told, deadline, budget)
                    if again:
                        for trial in outages.ended_unnoticed():
                            told(TrialEnded(trial))
                    else:
                        told(scheduler.opening())
                    return scheduler.run(stop)
            except FilesError as error:
                if scheduler is not None:
                    scheduler.abandon()
                if not outages.wait(error):
                    return False
            except MachineError as error:
                if not error.may_pass:
                    raise
                if scheduler is not None:
                    scheduler.abandon()
                if not outages.wait_for(executor, error):
                    return False

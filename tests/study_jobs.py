"""Work for the jobs of a study that can be sent to another process."""

import os
import signal

import torch

from mien.errors import MienError
from mien.studies.study import Job


def threads(job: Job) -> str:
    return f"{torch.get_num_threads()} of {os.environ['OMP_NUM_THREADS']} in {os.getpid()}"


def first_fails(job: Job) -> str:
    if job.seed == 0:
        raise MienError("no room")
    if job.seed == 1:
        raise ZeroDivisionError("a mistake")
    return "done"


def first_is_killed(job: Job) -> str:
    if job.seed == 0:
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"

"""A job at work: what it is given at the edge, its lock, its place in the ledger, its tries, the eyes of the user."""

from __future__ import annotations

from churn.running.job import Job
from churn.running.opening import Admit, Inputs, running
from churn.running.stages import JobRun, Memory, NoMemory

__all__ = ["Admit", "Inputs", "Job", "JobRun", "Memory", "NoMemory", "running"]

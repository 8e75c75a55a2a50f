"""Tasks: what a model predicts of an utterance, such as emotion labels, ratings or the speaker."""

from mien.tasks.affect import AffectTask
from mien.tasks.base import Monitor, Task, speaker_task
from mien.tasks.emotion import EmotionTask
from mien.tasks.interval import Interval
from mien.tasks.labels import LabelTask
from mien.tasks.metrics import TaskMetrics
from mien.tasks.person import PersonTask
from mien.tasks.registry import TASKS, AnyTask, parse_tasks, register_task
from mien.tasks.sentiment import SentimentTask

__all__ = [
    "TASKS",
    "AffectTask",
    "AnyTask",
    "EmotionTask",
    "Interval",
    "LabelTask",
    "Monitor",
    "PersonTask",
    "SentimentTask",
    "Task",
    "TaskMetrics",
    "parse_tasks",
    "register_task",
    "speaker_task",
]

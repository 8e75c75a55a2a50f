"""What is asked of an utterance: how the person feels, by label or number, and who they are."""

from mien.tasks.base import SENTIMENTS, Loss, Task, TaskName
from mien.tasks.emotion import emotion_task
from mien.tasks.person import person_task
from mien.tasks.sentiment import sentiment_task

__all__ = [
    "SENTIMENTS",
    "Loss",
    "Task",
    "TaskName",
    "emotion_task",
    "person_task",
    "sentiment_task",
]

"""Computing on what strangers wrote, in processes that may be ended at any moment. Knows nothing of news."""

from worker.pool import Limits, OffTheLoop, Workers, in_a_thread

__all__ = ["Limits", "OffTheLoop", "Workers", "in_a_thread"]

"""Pure rules: the same story or not, what is new under which name, and what changed."""

from stories import identity
from stories.same import Verdict, fingerprint, judge, link_key, story_links

__all__ = ["Verdict", "fingerprint", "identity", "judge", "link_key", "story_links"]

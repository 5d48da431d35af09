"""Pure rules: the same story or not, and what changed."""

from stories.same import Verdict, fingerprint, judge, link_key, story_links

__all__ = ["Verdict", "fingerprint", "judge", "link_key", "story_links"]

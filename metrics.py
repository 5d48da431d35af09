"""What ops can see at /metrics: every counter, gauge and histogram of the desk, in one place."""

from prometheus_client import Counter, Gauge, Histogram

SECONDS = (0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 30, 60, 300, 1800, 3600)

publish_to_alert_seconds = Histogram(
    "sokbo_publish_to_alert_seconds",
    "From the publisher's own time on a post to its alert in the chat; posts with only a date are left out.",
    ["platform"],
    buckets=(*SECONDS, 21600, 86400),
)
polls = Counter("sokbo_polls_total", "Reads of a source, by how they ended.", ["source", "outcome"])
poll_seconds = Histogram("sokbo_poll_seconds", "How long one read of a source took.", buckets=SECONDS)
posts = Counter("sokbo_posts_total", "Posts read, by what became of them.", ["source", "result"])
condense_fallbacks = Counter(
    "sokbo_condense_fallbacks_total", "Posts of which only title and link could be kept.", ["source"]
)
model_proposals = Counter(
    "sokbo_model_proposals_total", "Posts for which a model was configured, by what became of its bullets.", ["outcome"]
)
deliveries = Counter("sokbo_deliveries_total", "Calls to platforms, by how they ended.", ["platform", "outcome"])
deliveries_waiting = Gauge("sokbo_deliveries_waiting", "Deliveries that are owed and not sent.", ["platform"])
delivery_seconds = Histogram(
    "sokbo_delivery_seconds", "From the alert's creation to the platform's yes.", buckets=(*SECONDS, 21600)
)
rate_limited = Counter("sokbo_rate_limited_total", "How often a platform asked us to wait.", ["platform"])
source_silent_seconds = Gauge(
    "sokbo_source_silent_seconds", "Since the last new post of a source, or since it was first watched.", ["source"]
)
websub = Counter("sokbo_websub_total", "What hubs said and sent, by what became of it.", ["source", "outcome"])
hooks = Counter("sokbo_hooks_total", "Requests to /hooks, by what became of them.", ["source", "outcome"])
commands = Counter("sokbo_commands_total", "Commands answered.", ["platform", "command"])
notices = Counter("sokbo_notices_total", "Messages to the admins, by how they ended.", ["platform", "outcome"])
unknown_settled = Counter(
    "sokbo_unknown_settled_total", "Calls without an answer, by what settled them.", ["platform", "by"]
)

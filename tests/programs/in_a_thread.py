"""A broken bot: strangers' documents are read in a thread. The watch on its event loop must go red."""

import pipeline
from tests.programs import watched
from worker import in_a_thread


class Desk(pipeline.Desk):
    def __init__(self, *args: object, **names: object) -> None:
        super().__init__(*args, **names | {"off_the_loop": in_a_thread})  # type: ignore[arg-type]


if __name__ == "__main__":
    setattr(pipeline, "Desk", Desk)  # noqa: B010
    watched.main()

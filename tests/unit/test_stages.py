from __future__ import annotations

from jobs.console.stages import Stages


def test_stages_have_the_time_until_the_next_one() -> None:
    times = iter([0.0, 1.25, 1.25, 4.0, 4.0, 10.0])
    stages = Stages(lambda: next(times))
    stages.end()
    stages.begin("reading")
    stages.begin("writing")
    stages.begin("reading")
    stages.end()
    stages.end()
    section = stages.section()
    assert section.rows == [("reading", 7.2), ("writing", 2.8)]
    assert section.json_key == "stages"

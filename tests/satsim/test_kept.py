"""What a kept result depends on: a program that has changed is another program."""

from pathlib import Path

from satsim import kept
from satsim.kept import key_of
from satsim.scenario import load_scenario

SCENARIO = """
name: programs
image: {{path: photo.png, size: [32, 32]}}
link: {{payload_bytes: 600, interval_s: 60}}
schemes:
  - name: own
    codec: command
    delivery: high
    command: {{encode: "sh {program} {{png}} {{bitstream}}", decode: "cp {{bitstream}} {{out}}"}}
"""


def test_a_key_follows_the_programs_that_a_scenario_calls(tmp_path: Path) -> None:
    program = tmp_path / "encode.sh"
    (tmp_path / "own.yaml").write_text(SCENARIO.format(program=program), encoding="utf-8")
    keys = []
    for text in ("cp $1 $2", "exit 3", "cp $1 $2"):
        program.write_text(text)
        kept._sha256.cache_clear()  # each time another command of satsim
        keys.append(key_of(load_scenario(tmp_path / "own.yaml")))
    assert keys[0] == keys[2] != keys[1]

"""Any program as a codec: a small real one, written here, and all the ways in which one can let us down."""

import os
import shlex
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from satsim.codec import CodecFailed, NothingFits
from satsim.command_settings import CommandSettings
from satsim.external import ExternalCodec
from satsim.rundir import Run
from satsim.scenario import load_scenario

SCENARIOS = Path(__file__).parents[2] / "scenarios"
SIZE = (48, 32)
CODER = """
import sys
from pathlib import Path
from PIL import Image
job, source, target, *more = sys.argv[1:]
with open(Path(__file__).with_name("calls.log"), "a") as log:
    log.write(f"{job} {' '.join(more)}\\n")
picture = Image.open(source)
picture.save(target, "JPEG", quality=int(more[0])) if job == "encode" else picture.save(target, "PNG")
"""
VTM = """
import sys
from pathlib import Path
options = dict(zip(sys.argv[1::2], sys.argv[2::2]))
if Path(sys.argv[0]).name == "EncoderAppStatic":
    assert options["-c"].endswith("cfg/encoder_intra_vtm.cfg") and Path(options["-c"]).is_file()
    assert (options["-wdt"], options["-hgt"], options["-f"], options["-o"]) == ("64", "64", "1", "/dev/null")
    assert sys.argv[-3:] == ["--InputChromaFormat=420", "--InputBitDepth=8", "--ConformanceWindowMode=1"]
    planes = Path(options["-i"]).read_bytes()
    assert len(planes) == 64 * 64 * 3 // 2
    step = int(options["-q"])
    Path(options["-b"]).write_bytes(bytes([step]) + planes[:: 4 * step * step])
else:
    assert options["-d"] == "8"
    coded = Path(options["-b"]).read_bytes()
    length, step = 64 * 64 * 3 // 2, 4 * coded[0] ** 2
    Path(options["-o"]).write_bytes(bytes(coded[1 + at // step] for at in range(length)))
"""


@pytest.fixture
def coder(tmp_path: Path) -> str:
    """A real encoder, quality 0 to 95, as a command to put words behind; it logs its calls."""
    script = tmp_path / "my coder.py"
    script.write_text(CODER, encoding="utf-8")
    return shlex.join([sys.executable, str(script)])


@pytest.fixture
def photo() -> Image.Image:
    noise = np.random.default_rng(1).integers(0, 256, (4, 6, 3), dtype=np.uint8)
    return Image.fromarray(noise).resize(SIZE, Image.Resampling.BICUBIC)


def settings_for(coder: str, **more: object) -> CommandSettings:
    keys: dict[str, object] = {
        "encode": f"{coder} encode {{png}} {{bitstream}} {{quality}}",
        "decode": f"{coder} decode {{bitstream}} {{out}}",
        "qualities": "95..0",
    }
    return CommandSettings.model_validate({**keys, **more})


def one_word(program: str) -> str:
    """Return a command that runs a shell's line: the tests' programs that fail."""
    return shlex.join(["sh", "-c", program])


def failing(encode: str, decode: str = "cat {bitstream} {out}", **more: object) -> ExternalCodec:
    keys = {"encode": f"{encode} {{png}} {{bitstream}}", "decode": decode, **more}
    return ExternalCodec("mine", CommandSettings.model_validate(keys), 100_000)


def test_the_best_quality_that_fits_is_sent_and_decoded_once(
    coder: str, photo: Image.Image, tmp_path: Path
) -> None:
    codec = ExternalCodec("mine", settings_for(coder), 800)
    (file,) = codec.encode(photo).stages
    sizes = []
    for quality in range(96):
        photo.save(tmp_path / "x.jpg", "JPEG", quality=quality)
        sizes.append((tmp_path / "x.jpg").stat().st_size)
    assert len(file) == max(size for size in sizes if size <= 800)
    pieces = {1: file[300:], 0: file[:300]}
    pictures = [codec.decode(pieces, SIZE) for _ in range(2)]
    (tmp_path / "y.jpg").write_bytes(file)
    assert pictures[0] is pictures[1]
    with Image.open(tmp_path / "y.jpg") as picture:
        assert pictures[0].tobytes() == picture.convert("RGB").tobytes()
    calls = (tmp_path / "calls.log").read_text().split("\n")[:-1]
    assert len(calls) <= 7 + 1  # bisection of 96 qualities; one picture
    assert calls[-1] == "decode "


def test_where_nothing_fits_the_smallest_file_is_told(coder: str, photo: Image.Image, tmp_path: Path) -> None:
    photo.save(tmp_path / "x.jpg", "JPEG", quality=0)
    least = (tmp_path / "x.jpg").stat().st_size
    with pytest.raises(NothingFits, match=f"^its smallest file has {least} bytes$"):
        ExternalCodec("mine", settings_for(coder), 50).encode(photo)


def test_listed_qualities_may_be_words(photo: Image.Image) -> None:
    encode = one_word("echo {quality}. {png} > {bitstream}")
    (file,) = failing(encode, qualities=["fine", "coarse"]).encode(photo).stages
    assert file.startswith(b"fine. /")


@pytest.mark.parametrize("file", ["photo.png", "decoded.png", "stdout.log", "stderr.log", "coded"])
def test_the_coded_file_may_have_any_name(coder: str, photo: Image.Image, file: str) -> None:
    codec = ExternalCodec("mine", settings_for(coder, file=file), 800)
    (coded,) = codec.encode(photo).stages
    assert coded.startswith(b"\xff\xd8")  # of a JPEG: not the picture that was given
    assert codec.decode({0: coded}, SIZE).size == SIZE
    idle = failing("true", file=file)
    with pytest.raises(CodecFailed, match=f"^true wrote nothing to {file}$"):
        idle.encode(photo)


def test_yuv420_goes_through_unharmed(photo: Image.Image) -> None:
    keys = {"encode": "cp {yuv} {bitstream}", "decode": "cp {bitstream} {out}", "exchange": "yuv420"}
    codec = ExternalCodec("mine", CommandSettings.model_validate(keys), 5000)
    (file,) = codec.encode(photo).stages
    assert len(file) == 48 * 32 * 3 // 2
    difference = np.asarray(codec.decode({0: file}, SIZE), dtype=int) - np.asarray(photo, dtype=int)
    assert abs(difference).mean() < 5
    with pytest.raises(CodecFailed, match=r"^cp gave 2303 bytes; allowed: 2304, 48x32 in yuv420$"):
        codec.decode({0: file[1:]}, SIZE)


@pytest.mark.parametrize(
    ("encode", "message"),
    [
        ("no_such_program", "no_such_program: no such program; allowed: one on the PATH, or a path"),
        ("$NOT_SET_ANYWHERE/run", "the environment variable NOT_SET_ANYWHERE is not set"),
        (one_word("echo at first >&2; echo 'no  luck' >&2; exit 3"), "sh ended with exit code 3: no luck"),
        (one_word("echo no file $(pwd)/x >&2; exit 1"), "sh ended with exit code 1: no file x"),
        (one_word("echo said aloud; exit 4"), "sh ended with exit code 4: said aloud"),
        (one_word("printf '\\033[31mred\\a\\033[0m\\n'; exit 4"), "sh ended with exit code 4: red\\x07"),
        (one_word("exit 5"), "sh ended with exit code 5"),
        (one_word("kill -9 $$"), "sh ended with exit code -9"),
        ("true", "true wrote nothing to photo.bin"),
    ],
)
def test_a_program_that_fails_says_why(encode: str, message: str, photo: Image.Image) -> None:
    with pytest.raises(CodecFailed) as caught:
        failing(encode).encode(photo)
    assert str(caught.value) == message


def test_a_variable_is_put_in_as_it_is(photo: Image.Image, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MINE", "a{png}b $HOME {none}")
    with pytest.raises(CodecFailed, match=r"a\{png\}b \$HOME \{none\}/run: no such program"):
        failing("$MINE/run").encode(photo)


def test_a_decoder_that_gives_no_such_picture(photo: Image.Image, tmp_path: Path) -> None:
    photo.crop((0, 0, 8, 9)).save(tmp_path / "small.png")
    small = failing("cp", f"cp {tmp_path}/small.png {{out}} {{bitstream}}")
    for decode, message in (
        (f"cp {tmp_path}/small.png {{out}}", "cp gave a picture of 8x9 pixels; allowed: 48x32"),
        (one_word("echo no picture > {out}"), "sh gave no picture: not an image that can be read"),
        ("true {out}", "true wrote nothing to decoded.png"),
    ):
        codec = ExternalCodec("mine", small.command.model_copy(update={"decode": decode}), 10_000)
        with pytest.raises(CodecFailed) as caught:
            codec.decode({0: b"x"}, SIZE)
        assert str(caught.value).partition(";")[0] == message.partition(";")[0]


def test_a_program_that_hangs_is_ended_with_its_children(photo: Image.Image, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    hanging = one_word(f"exec 3> {pipe}; echo here >&3; sleep 600 & sleep 600")
    with pytest.raises(CodecFailed, match=r"^sh was ended: it took longer than 1 s$"):
        failing(hanging, timeout_s=1).encode(photo)
    os.set_blocking(reader, True)
    with os.fdopen(reader, "rb") as ends:
        assert ends.read() == b"here\n"  # and then the end, which comes when nobody holds the pipe any more


def test_the_other_schemes_go_on(run_toy: Callable[..., Run], coder: str) -> None:
    settings = settings_for(coder).model_dump(mode="json")
    broken = {"encode": "no_such_program {png} {bitstream}", "decode": "cat {bitstream} {out}"}
    schemes = [
        {"name": "mine", "codec": "command", "delivery": "high", "budget_bytes": 1000, "command": settings},
        {"name": "tight", "codec": "command", "delivery": "high", "budget_bytes": 50, "command": settings},
        {"name": "broken", "codec": "command", "delivery": "high", "command": broken},
        "progressive",
    ]
    run = run_toy(f"schemes={schemes!r}".replace("None", "null"), "runs=3", "link.loss.rate=0.2")
    assert run.summary["mine"].t_final_s is not None
    assert run.summary["mine"].note is None
    note = run.summary["tight"].note or ""
    assert note.startswith("tight: nothing fits in 50 bytes; its smallest file has ")
    assert run.summary["progressive"].t_final_s is not None
    assert run.summary["broken"].t_first_s is None
    assert (
        run.summary["broken"].note == "no_such_program: no such program; allowed: one on the PATH, or a path"
    )


def test_the_shipped_vtm_scenario_calls_vtm_as_it_wants_to_be(
    run_toy: Callable[..., Run], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A stand-in that checks VTM's options; it is no encoder, and nothing is said of VTM's pictures."""
    (_, vtm, _) = load_scenario(SCENARIOS / "vtm.yaml").schemes
    assert vtm.command is not None
    assert vtm.command.qualities == tuple(range(20, 64))
    schemes = f"schemes=[{vtm.model_dump_json(exclude_none=True)}]"
    monkeypatch.delenv("VTM", raising=False)
    note = run_toy(schemes, name="without").summary["vtm"].note
    assert note == "the environment variable VTM is not set"
    for folder in ("bin", "cfg"):
        (tmp_path / "VTM" / folder).mkdir(parents=True)
    (tmp_path / "VTM" / "cfg" / "encoder_intra_vtm.cfg").touch()
    for name in ("EncoderAppStatic", "DecoderAppStatic"):
        program = tmp_path / "VTM" / "bin" / name
        program.write_text(f"#!{sys.executable}\n{VTM}", encoding="utf-8")
        program.chmod(0o755)
    monkeypatch.setenv("VTM", str(tmp_path / "VTM"))
    run = run_toy(schemes, name="with")
    assert run.summary["vtm"].note is None
    assert [row.scheme for row in run.timeline] == ["vtm"]


@pytest.mark.skipif(not shutil.which("cwebp") or not shutil.which("dwebp"), reason="no cwebp and dwebp here")
def test_cwebp_is_webp(photo: Image.Image) -> None:
    keys = {
        "encode": "cwebp -quiet -q {quality} -m 6 {png} -o {bitstream}",
        "decode": "dwebp -quiet {bitstream} -o {out}",
        "qualities": "100..0",
    }
    codec = ExternalCodec("cwebp", CommandSettings.model_validate(keys), 400)
    (file,) = codec.encode(photo).stages
    assert file[8:12] == b"WEBP"
    assert len(file) <= 400
    difference = np.asarray(codec.decode({0: file}, SIZE), dtype=int) - np.asarray(photo, dtype=int)
    assert abs(difference).mean() < 25


def test_what_a_program_leaves_behind_ends_with_it(photo: Image.Image, tmp_path: Path) -> None:
    left = tmp_path / "left"
    with pytest.raises(CodecFailed, match="sh ended with exit code 1"):
        failing(one_word(f"sleep 600 & echo $! > {left}; exit 1")).encode(photo)
    until_s = time.monotonic() + 30
    while Path(f"/proc/{left.read_text().strip()}").exists():  # for a moment, until init has taken note
        assert time.monotonic() < until_s
        time.sleep(0.01)

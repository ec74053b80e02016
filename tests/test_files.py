"""Files are whole or absent."""

import pytest

from workflow.store import files


def interrupted(path):
    with files.replacing(path) as temporary:
        assert (temporary.parent, temporary.suffix) == (path.parent, ".csv")
        assert temporary != path
        temporary.write_text("half")
        raise KeyboardInterrupt


def test_replacing_is_all_or_nothing(tmp_path):
    path = tmp_path / "deep" / "file.csv"
    files.write_text(path, "old é\n")
    with pytest.raises(KeyboardInterrupt):
        interrupted(path)
    assert [p.name for p in path.parent.iterdir()] == ["file.csv"]
    assert path.read_bytes() == "old é\n".encode()
    with files.replacing(path) as temporary:
        temporary.write_text("new")
        assert path.read_bytes() == "old é\n".encode()
    assert path.read_text() == "new"
    assert len(list(path.parent.iterdir())) == 1


def test_a_failed_first_write_leaves_nothing(tmp_path):
    with pytest.raises(TypeError):
        files.write_bytes(tmp_path / "file.bin", "not bytes")
    assert not list(tmp_path.iterdir())

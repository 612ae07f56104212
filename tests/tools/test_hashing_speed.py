"""The script that times how a database is identified."""


def test_each_pair_is_compared_and_the_files_stay_as_they_are(script, tmp_path):
    script.make_files(tmp_path, 2)
    before = {path: path.read_bytes() for path in script.list_files(tmp_path)}
    lines = script.measure(tmp_path).splitlines()
    assert lines[0] == "17 files, 2 MB"
    assert [line.split(" | ")[0] for line in lines[4:]] == [
        "| first, from the disk; cat",
        "| first, files in memory; cat",
        "| later; a listing",
    ]
    assert {path: path.read_bytes() for path in script.list_files(tmp_path)} == before

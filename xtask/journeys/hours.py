"""Unpacks feeds and writes their hours with two digits: hours.py FOLDER FEED.zip..."""

import pathlib
import re
import sys
import zipfile

folder, *feeds = sys.argv[1:]
for feed in feeds:
    out = pathlib.Path(folder) / pathlib.Path(feed).stem
    with zipfile.ZipFile(feed) as tables:
        tables.extractall(out)
    times = out / "stop_times.txt"
    times.write_text(re.sub(r"(?<=,) ?(\d):(\d\d):(\d\d)", r"0\1:\2:\3", times.read_text("utf-8-sig")))
    print(out)

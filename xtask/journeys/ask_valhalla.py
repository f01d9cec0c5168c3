"""Valhalla on the same pairs: ask_valhalla.py CONFIG PAIRS N. CPU ms of the thread that asks, as JSON."""

import csv
import json
import sys
import time

import valhalla

config, file, most = sys.argv[1:]
actor = valhalla.Actor(config)
with open(file) as rows:
    pairs = [tuple(map(float, row)) for row in list(csv.reader(rows))[1:]][: int(most)]
took = []
for i, (a, b, c, d) in enumerate(pairs[:20] + pairs):
    question = json.dumps({"locations": [{"lon": a, "lat": b}, {"lon": c, "lat": d}], "costing": "auto"})
    began = time.thread_time()
    try:
        actor.route(question)
    except RuntimeError:
        pass  # No way is an answer too.
    if i >= 20:
        took.append((time.thread_time() - began) * 1e3)
print(json.dumps({"Valhalla, with geometry and steps": took}))

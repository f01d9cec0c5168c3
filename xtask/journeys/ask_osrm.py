"""OSRM on the same pairs: ask_osrm.py BASE ALGORITHM PAIRS. CPU ms of the thread that asks, as JSON."""

import csv
import json
import sys
import time

import osrm

base, algorithm, file = sys.argv[1:]
engine = osrm.OSRM(storage_config=base, algorithm=algorithm, use_shared_memory=False)
with open(file) as rows:
    pairs = [tuple(map(float, row)) for row in list(csv.reader(rows))[1:]]


def measure(**asked):
    took = []
    for i, (a, b, c, d) in enumerate(pairs[:50] + pairs):
        question = osrm.RouteParameters(coordinates=[(a, b), (c, d)], **asked)
        began = time.thread_time()
        try:
            engine.Route(question)
        except RuntimeError:
            pass  # No way is an answer too.
        if i >= 50:
            took.append((time.thread_time() - began) * 1e3)
    return took


print(json.dumps({
    f"OSRM {algorithm}, distance alone": measure(overview="false"),
    f"OSRM {algorithm}, with geometry and steps": measure(overview="full", steps=True, geometries="polyline6"),
}))

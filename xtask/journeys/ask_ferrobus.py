"""ferrobus on the same pairs: ask_ferrobus.py MAP FEEDS DATE PAIRS, feeds as folders with commas between. CPU ms of the thread that asks, as JSON.

Its reader wants hours of two digits, which the folders must have.
"""

import csv
import datetime
import json
import sys
import time

import ferrobus

streets, feeds, date, file = sys.argv[1:]
WALK_S, EIGHT_S, CHANGES = 1200, 8 * 3600, 4
model = ferrobus.create_transit_model(streets, feeds.split(","), datetime.date.fromisoformat(date), WALK_S)
with open(file) as rows:
    pairs = [tuple(map(float, row)) for row in list(csv.reader(rows))[1:]]
ends = []
for a, b, c, d in pairs:
    try:
        point = [ferrobus.create_transit_point(lat, lon, model, WALK_S, 10) for lon, lat in ((a, b), (c, d))]
    except Exception:  # No stop near is an answer too.
        continue
    ends.append(point)


def measure(ask, pairs):
    took = []
    for start, goal in pairs:
        began = time.thread_time()
        try:
            ask(start, goal)
        except Exception:  # The same.
            pass
        took.append((time.thread_time() - began) * 1e3)
    return took


print(json.dumps({
    "ferrobus, one departure": measure(lambda a, b: ferrobus.find_route(model, a, b, EIGHT_S, CHANGES), ends),
    "ferrobus, whole journey": measure(lambda a, b: ferrobus.detailed_journey(model, a, b, EIGHT_S, CHANGES), ends),
    "ferrobus, one hour": measure(
        lambda a, b: ferrobus.pareto_range_multimodal_routing(model, a, b, (EIGHT_S, EIGHT_S + 3600), CHANGES), ends[:100]
    ),
}))

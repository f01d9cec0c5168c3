import { expect, test } from "vitest";
import { next, story, type Step } from "../../src/alarms/story";
import type { Alarm, Command } from "../../src/api/view";
import type { Ticket } from "../../src/api/work";

const alarm = (done: string): Alarm => ({ id: "a", junction: "1", name: { local: "", en: "" }, code: "flashing_unasked", component: "", priority: 1, since: 100, done, message: "" });
const command = (what: string, since: number, until: number, state = "applied"): Command => ({ id: what, junction: "1", what, value: "2", who: "me", reason: "test", since, until, state, detail: "" });
const ticket = (more: Partial<Ticket>): Ticket => ({
  number: 7, state: "new", source: "alarm", junction: "1", name: { local: "", en: "" }, district: "cao", code: "", component: "", alarm: "a", priority: 1, message: "", value: null,
  opened_at: 160, accept_by: 400, due_at: 900, late: false, gone_at: null, proved_at: null, returned: 0, accepted_by: null, assignee: null, closed_at: null,
  lines: [{ at: 160, who: null, what: "opened", text: null }], ...more,
});
const read = (steps: Step[]) => steps.map(({ what, at, coming }) => `${at} ${what}${coming ? " …" : ""}`);

test("an alarm that nothing was done about is one line", () => {
  expect(read(story(alarm("none"), null, [], 200))).toEqual(["100 raised"]);
});

test("what was done and what is to come stand in one line of time", () => {
  expect(read(story(alarm("local_plan"), ticket({}), [command("plan", 150, 500), command("lease", 140, 260), command("hold", 120, 180), command("kind", 130, 900, "rejected")], 200))).toEqual([
    "100 raised", "100 done", "120 command", "150 command", "160 ticket", "400 accept_by …", "500 command_ends …", "900 due …",
  ]);
});

test("a term that has passed is no longer to come, and one that was kept is not told", () => {
  expect(read(story(alarm("none"), ticket({}), [], 1000))).toEqual(["100 raised", "160 ticket", "400 accept_by", "900 due"]);
  expect(read(story(alarm("none"), ticket({ state: "closed", closed_at: 800 }), [], 1000))).toEqual(["100 raised", "160 ticket"]);
});

test("the next thing to do", () => {
  expect(next("tlc.detector", null)).toBe("wait");
  expect(next("traffic.stalled", null)).toBe("look");
  expect(next("tlc.detector", ticket({}))).toBe("accept");
  expect(next("tlc.detector", ticket({ state: "accepted" }))).toBe("work");
  expect(next("tlc.detector", ticket({ state: "proving" }))).toBe("wait");
});

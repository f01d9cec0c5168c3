import { expect, test } from "vitest";
import { command, has, lastSignIns, RIGHTS, ROLES } from "../../src/people/rights";

test("a role may also do what stands before it", () => {
  const may = (role: (typeof ROLES)[number]) => RIGHTS.filter(([, least]) => has(role, least)).map(([right]) => right);
  expect(may("view")).toEqual(["look"]);
  expect(may("operate")).toContain("order");
  expect(may("operate")).not.toContain("agree");
  expect(may("manage")).toContain("agree");
  expect(may("configure")).toEqual(RIGHTS.map(([right]) => right));
});

test("who signed in last, out of the audit", () => {
  const line = (entry: string, at: number) => ({ number: 1, hash: "", entry, at });
  const last = lastSignIns([
    line("А. Смирнова (smirnova) signed in", 30),
    line("hold of stage 2 at 1004 by А. Смирнова (smirnova) (somebody (else) signed in)", 40),
    line("sign-in as А. Смирнова (smirnova) refused: wrong password", 50),
    line("А. Смирнова (smirnova) signed in", 20),
    line("Ivanov (deputy) (ivanov) signed in", 10),
  ]);
  expect([...last]).toEqual([["smirnova", 30], ["ivanov", 10]]);
});

test("the command for an account can be pasted into a shell", () => {
  const check = (more: Partial<Parameters<typeof command>[0]>, line: string | null) => expect(command({ login: "smirnova", name: "А. Смирнова", role: "operate", districts: [], ...more })).toBe(line);
  check({}, "controller account --login smirnova --name 'А. Смирнова' --role operate >> accounts.toml");
  check({ districts: ["cao"] }, "controller account --login smirnova --name 'А. Смирнова' --role operate --district cao >> accounts.toml");
  check({ name: "O'Brien; rm -rf /" }, "controller account --login smirnova --name 'O'\\''Brien; rm -rf /' --role operate >> accounts.toml");
  check({ login: " " }, null);
  check({ name: "" }, null);
});

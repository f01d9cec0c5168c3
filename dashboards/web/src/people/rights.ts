// Who may do what, and the command that makes an account. Pure.

import type { AuditLine } from "../api/view";

export const ROLES = ["view", "operate", "manage", "configure"] as const;
export type Role = (typeof ROLES)[number];

/** What is done here, and the least role that may: as the table in `docs/operating.md`, which the centre keeps to. */
export const RIGHTS = [
  ["look", "view"],
  ["order", "operate"],
  ["whatIf", "operate"],
  ["audit", "operate"],
  ["tickets", "operate"],
  ["drafts", "operate"],
  ["incidents", "operate"],
  ["propose", "operate"],
  ["agree", "manage"],
  ["approve", "manage"],
  ["close", "manage"],
  ["responses", "manage"],
  ["people", "configure"],
] as const satisfies readonly (readonly [string, Role])[];
export type Right = (typeof RIGHTS)[number][0];

export const has = (role: Role, least: Role): boolean => ROLES.indexOf(role) >= ROLES.indexOf(least);

/** When each last signed in, by login, out of lines of the audit. */
export function lastSignIns(lines: readonly AuditLine[]): Map<string, number> {
  const last = new Map<string, number>();
  for (const { entry, at } of lines) {
    const login = /\(([^()]+)\) signed in$/.exec(entry)?.[1];
    if (login !== undefined && at > (last.get(login) ?? -Infinity)) last.set(login, at);
  }
  return last;
}

export interface Wanted { login: string; name: string; role: Role; districts: readonly string[] }

/** A word of a shell's command, quoted where it must be. */
const word = (text: string): string => (/^[\w.,:/@-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`);

/** The command that makes the account; null while something is missing. */
export function command({ login, name, role, districts }: Wanted): string | null {
  if (login.trim() === "" || name.trim() === "") return null;
  const places = districts.flatMap((district) => ["--district", word(district)]);
  return ["controller", "account", "--login", word(login.trim()), "--name", word(name.trim()), "--role", role, ...places, ">> accounts.toml"].join(" ");
}

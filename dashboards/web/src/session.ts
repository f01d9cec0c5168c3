// Who sits before the page, and what they may do. The centre decides it again for every request; here it only keeps the
// page from offering what would be refused.

import { computed, effect, signal } from "@preact/signals";
import * as api from "./api/client";
import type { Session } from "./api/view";

/** Null until the centre has answered once. */
export const session = signal<Session | null>(null);
export const person = computed(() => session.value?.person ?? null);
/** Nobody signs in here: whoever orders gives a name. */
export const open = computed(() => session.value?.open ?? false);
/** False where one must sign in to look. */
export const mayLook = computed(() => session.value === null || session.value.anybody_may_view || person.value !== null);

const ROLES = ["view", "operate", "manage", "configure"] as const;
export type Role = (typeof ROLES)[number];

/** Whether this person may do what needs the role: in a district, in the whole city (`null`), or in no place at all. */
export function may(role: Role, place: { district: string | null } | "nowhere"): boolean {
  if (open.value) return true;
  const who = person.value;
  if (who === null || ROLES.indexOf(who.role as Role) < ROLES.indexOf(role)) return false;
  if (who.districts === null || place === "nowhere") return true;
  return place.district !== null && who.districts.includes(place.district);
}

function take(next: Session): void {
  api.carry(next.csrf);
  session.value = next;
}

export async function refresh(): Promise<void> {
  try {
    take(await api.session());
  } catch {
    // Out of reach is not signed out: the stream says what is wrong, and the next answer counts.
  }
}

export async function signIn(login: string, password: string): Promise<void> {
  take(await api.signIn(login, password));
}

export async function signOut(): Promise<void> {
  take(await api.signOut());
}

/** A session ends when it is not used; somebody before the page is use. */
const KEEP_MS = 4 * 60_000;
let used = true;

export function start(): void {
  const note = () => (used = true);
  addEventListener("pointerdown", note, { passive: true });
  addEventListener("keydown", note);
  void refresh();
  setInterval(() => {
    if (used && person.peek() !== null) void refresh();
    used = false;
  }, KEEP_MS);
  // And what has ended must not look as if it had not.
  effect(() => {
    const left = session.value?.left_s;
    if (left === null || left === undefined) return undefined;
    const wait = setTimeout(() => void refresh(), (left + 1) * 1000);
    return () => clearTimeout(wait);
  });
  // A refusal may be the first sign of it.
  api.onSignedOut(() => void refresh());
}

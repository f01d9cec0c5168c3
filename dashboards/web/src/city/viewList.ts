// The list of saved views as it is kept: JSON, of which anything else than ours is dropped.

export interface View { name: string; at: string }

/** More of them are no list that one finds something in. */
const MOST = 30;

export function readViews(kept: string): View[] {
  let list: unknown;
  try {
    list = JSON.parse(kept || "[]");
  } catch {
    return [];
  }
  const ours = (one: unknown): one is View =>
    typeof one === "object" && one !== null && typeof (one as View).name === "string" && typeof (one as View).at === "string" && (one as View).at.startsWith("#/city");
  return Array.isArray(list) ? list.filter(ours).map(({ name, at }) => ({ name, at })).slice(0, MOST) : [];
}

/** The list with one more, or with another address under the same name. */
export function withView(kept: string, name: string, at: string): string {
  const others = readViews(kept).filter((one) => one.name !== name);
  return JSON.stringify([...others, { name, at }].slice(-MOST));
}

export const withoutView = (kept: string, name: string): string => JSON.stringify(readViews(kept).filter((one) => one.name !== name));

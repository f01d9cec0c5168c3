// The audit: who did what, newest first, and whether its chain of lines is whole. The lines stand as they were written: the
// hash is over their letters.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { audit, auditCheck, Refused } from "../api/client";
import type { AuditCheck, AuditLine } from "../api/view";
import { clockOf, dateOf, num, t, tn } from "../i18n";
import { csv, save } from "../files";
import { withKeys } from "../keys";
import { may, person } from "../session";
import { Icon } from "../ui/Icon";
import { TopBar } from "../ui/Shell";

/** What is typed is asked for once typing has paused. */
const PAUSE_MS = 300;
/** What people do while one looks is asked for so often. */
const ASK_MS = 5000;

export function Audit() {
  const lines = useSignal<AuditLine[] | null>(null);
  const total = useSignal(0);
  const next = useSignal<number | null>(null);
  const failed = useSignal<string | null>(null);
  const words = useSignal("");
  const checked = useSignal<AuditCheck | "running" | null>(null);
  const input = useRef<HTMLInputElement>(null);
  /** Only the answer to the newest question counts. */
  const asked = useRef(0);
  const allowed = may("operate", "nowhere");

  async function load(before: number | null): Promise<void> {
    asked.current += 1;
    const mine = asked.current;
    try {
      const page = await audit(before, words.peek().trim());
      if (mine !== asked.current) return;
      lines.value = before === null ? page.lines : [...(lines.peek() ?? []), ...page.lines];
      total.value = page.total;
      next.value = page.next;
      failed.value = null;
    } catch (error) {
      if (mine === asked.current) failed.value = error instanceof Refused ? error.message : String(error);
    }
  }

  /** Puts what was written since above what stands there. */
  async function look(): Promise<void> {
    const [shown, mine] = [lines.peek(), asked.current];
    if (shown === null || document.hidden) return;
    try {
      const page = await audit(null, words.peek().trim());
      // An answer to a newer question stands there by now.
      if (mine !== asked.current) return;
      const newest = shown[0]?.number ?? 0;
      const since = page.lines.filter((line) => line.number > newest);
      const joins = since.length < page.lines.length || newest === 0;
      lines.value = joins ? [...since, ...shown] : page.lines;
      if (!joins || newest === 0) next.value = page.next;
      total.value = page.total;
    } catch {
      // What stands there stays; the connection's own sign says what is wrong.
    }
  }

  async function check(): Promise<void> {
    checked.value = "running";
    try {
      checked.value = await auditCheck();
    } catch (error) {
      checked.value = null;
      failed.value = error instanceof Refused ? error.message : String(error);
    }
  }

  useEffect(() => withKeys({ "/": () => input.current?.focus() }), []);
  useEffect(() => {
    if (!allowed) return undefined;
    const timer = setInterval(() => void look(), ASK_MS);
    return () => clearInterval(timer);
  }, [allowed, person.value?.login]);
  useEffect(() => {
    if (!allowed) return undefined;
    const wait = setTimeout(() => void load(null), lines.peek() === null ? 0 : PAUSE_MS);
    return () => clearTimeout(wait);
  }, [words.value, allowed, person.value?.login]);

  const shown = lines.value ?? [];
  const verdict = checked.value;
  return (
    <>
      <TopBar title={t("audit.title")} sub={total.value > 0 ? tn("audit.total", total.value) : undefined} />
      <main id="main" class="screen list-page" tabIndex={-1}>
        <header>
          <input ref={input} class="input" type="search" aria-label={t("audit.filter")} placeholder={t("audit.filter")} value={words.value} onInput={(event) => (words.value = event.currentTarget.value)} />
          <button type="button" class={`button${verdict === "running" ? " waiting" : ""}`} disabled={!allowed} onClick={() => void check()}><Icon name="shield" size={16} />{t("audit.check")}</button>
          <button type="button" class="button" disabled={shown.length === 0} onClick={() => save("audit.csv", csv([["number", "time", "entry", "sha256"], ...shown.map((line) => [line.number, new Date(line.at).toISOString(), line.entry, line.hash])]))}><Icon name="download" size={16} />{t("file.csv")}</button>
          <p class="audit-verdict" role="status">
            {verdict !== null && verdict !== "running" && (verdict.broken === null
              ? <>{tn("audit.whole", verdict.lines)} <span class="code quiet" title={verdict.hash}>{verdict.hash.slice(0, 12)}</span></>
              : <><Icon name="error" size={16} /><b>{t("audit.broken", { n: num(verdict.broken) })}</b></>)}
          </p>
        </header>
        <div class="list-scroll" tabIndex={0} role="region" aria-label={t("audit.title")}>
          {!allowed ? (
            <div class="state"><h2>{t("audit.noRole")}</h2><p>{t("audit.noRoleWhy")}</p></div>
          ) : failed.value !== null ? (
            <div class="state"><h2><Icon name="error" />{t("audit.failed")}</h2><p>{failed.value}</p><button type="button" class="button" onClick={() => void load(null)}>{t("j.retry")}</button></div>
          ) : lines.value === null ? (
            <div class="grey-lines" role="status" aria-label={t("audit.loading")}><i /><i /><i /></div>
          ) : shown.length === 0 ? (
            <div class="state"><h2>{t("audit.none")}</h2></div>
          ) : (
            <table class="rows plain-rows">
              <thead><tr><th>{t("audit.number")}</th><th>{t("audit.when")}</th><th>{t("audit.what")}</th><th class="wide">{t("audit.hash")}</th></tr></thead>
              <tbody>
                {shown.map((line) => (
                  <tr key={line.number}>
                    <td class="code quiet">{line.number}</td>
                    <td class="audit-when">{clockOf(line.at)}<br /><span class="label">{dateOf(line.at)}</span></td>
                    <td lang="en">{line.entry}</td>
                    <td class="wide code quiet" title={line.hash}>{line.hash.slice(0, 12)}</td>
                  </tr>
                ))}
              </tbody>
            </table>
          )}
          {next.value !== null && lines.value !== null && failed.value === null && (
            <p class="list-more"><button type="button" class="button" onClick={() => void load(next.value)}>{t("audit.older")}</button></p>
          )}
        </div>
      </main>
    </>
  );
}

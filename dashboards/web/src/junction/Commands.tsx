// Commands in force. Every command has an end, drawn as a fuse that shortens to it.

import { useSignal } from "@preact/signals";
import type { Command } from "../api/view";
import { clockOf, kindOf, t, tk } from "../i18n";
import { countdown } from "../format";
import { knownUntil } from "../live/live";
import { Icon } from "../ui/Icon";

/** A command in words. */
export function title(command: Command): string {
  switch (command.what) {
    case "lease": {
      const value = /^\d+$/.test(command.value) ? t("sg.stage", { n: command.value }) : (tk(`mode.${command.value}`)?.toLowerCase() ?? kindOf(command.value));
      return command.value ? t("cmd.lease", { value }) : t("cmd.lease", { value: "–" });
    }
    case "hold":
      return t("cmd.hold", { value: command.value });
    case "kind":
      return t("cmd.kind", { value: kindOf(command.value) });
    case "plan":
      return t("cmd.plan", { value: command.value });
    case "flash":
      return t("cmd.flash");
    default:
      return `${command.what} ${command.value}`;
  }
}

function Fuse({ command }: { command: Command }) {
  const now = knownUntil.value;
  const left = Math.max(0, Math.min(1, (command.until - now) / Math.max(1, command.until - command.since)));
  return (
    <div class={`fuse ${command.state}`} aria-hidden="true">
      <i style={{ width: `${100 * left}%` }} />
      <u style={{ left: `${100 * left}%` }} />
    </div>
  );
}

export function Commands({ commands, canEnd, onEnd }: { commands: readonly Command[]; canEnd: boolean; onEnd: () => void }) {
  // A refusal stays until it is closed.
  const closed = useSignal<ReadonlySet<string>>(new Set());
  const shown = commands.filter((command) => !closed.value.has(command.id));
  const now = knownUntil.value;
  return (
    <section class="commands" aria-labelledby="commands-title">
      <h2 id="commands-title">{t("cmd.title")} <span class="quiet">{shown.filter((command) => command.state !== "rejected").length}</span></h2>
      {shown.length === 0 && <p class="soft commands-none">{t("cmd.none")}</p>}
      <ul aria-live="polite">
        {shown.map((command) => {
          const left = (command.until - now) / 1000;
          const lease = command.what === "lease";
          const rejected = command.state === "rejected";
          return (
            <li key={command.id} class={`command ${command.state}`} data-command={command.what} data-state={command.state}>
              <p class="command-head">
                <b>{title(command)}</b>
                {rejected ? (
                  <button type="button" class="icon-button small" aria-label={t("cmd.dismiss")} onClick={() => (closed.value = new Set([...closed.value, command.id]))}><Icon name="close" size={16} /></button>
                ) : (
                  <span>{lease ? t("cmd.leaseLeft", { x: t("sg.seconds", { x: Math.max(0, Math.round(left)) }) }) : t("cmd.left", { x: countdown(left) })}</span>
                )}
              </p>
              <p class="command-by">
                <span>{lease ? t("cmd.renewed") : t("cmd.by", { who: command.who, reason: command.reason })}</span>
                {rejected ? <b>{t("cmd.rejected", { why: command.detail })}</b> : command.state !== "applied" && <span>{tk(`cmd.${command.state}`) ?? command.state}</span>}
              </p>
              {!rejected && <Fuse command={command} />}
              {!lease && !rejected && (
                <p class="command-foot label">
                  <span>{t("cmd.expires", { time: clockOf(command.until) })}</span>
                  {canEnd && <button type="button" class="text-button" onClick={onEnd}>{t("cmd.end")}</button>}
                </p>
              )}
            </li>
          );
        })}
      </ul>
    </section>
  );
}

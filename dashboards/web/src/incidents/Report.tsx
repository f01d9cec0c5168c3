// Somebody says what has happened on a road: where, what it does, and until when.

import { useSignal } from "@preact/signals";
import { useEffect } from "preact/hooks";
import { clockOf, nameOf, t } from "../i18n";
import { beat, cityNow } from "../live/live";
import { linkOf } from "../map/data";
import { whyNot } from "../refusal";
import { open } from "../session";
import { who } from "../settings";
import { Icon } from "../ui/Icon";
import { reportIncident } from "./api";

const LENGTHS = [15, 30, 60, 240] as const;

export function Report({ first, onDone }: { first: string; onDone: () => void }) {
  const link = useSignal(first);
  const what = useSignal("");
  const slow = useSignal<number | null>(null);
  const minutes = useSignal<number>(60);
  const refused = useSignal<string | null>(null);
  useEffect(() => {
    if (first !== "") link.value = first;
  }, [first]);
  void beat.value;
  const ids = link.value.split(/[\s,]+/).filter(Boolean);
  const feature = linkOf(ids[0] ?? "");
  const lacks = ids.length === 0 ? t("in.needLink") : what.value.trim() === "" ? t("act.needReason") : null;

  async function send(): Promise<void> {
    if (lacks !== null) return;
    refused.value = null;
    try {
      await reportIncident({ links: ids, ...(slow.value === null ? { closed: true } : { slow_to_kmh: slow.value }), what: what.value.trim(), minutes: minutes.value, ...(open.value ? { who: who.value || t("top.personUnknown") } : {}) });
      link.value = what.value = "";
      onDone();
    } catch (error) {
      refused.value = whyNot(error);
    }
  }
  return (
    <form class="order in-report" aria-labelledby="in-report" onSubmit={(event) => { event.preventDefault(); void send(); }}>
      <h3 id="in-report">{t("in.report")}</h3>
      <div class="field">
        <label for="in-link">{t("in.link")}</label>
        <input id="in-link" class="input code" autocomplete="off" value={link.value} onInput={(event) => (link.value = event.currentTarget.value)} />
        <p class="label">{feature ? nameOf({ local: feature.properties.name ?? "", en: feature.properties.name_en ?? "" }) || t("in.nameless") : t("in.linkWhy")}</p>
      </div>
      <div class="field">
        <label for="in-what">{t("in.what")}</label>
        <input id="in-what" class="input" maxLength={200} value={what.value} onInput={(event) => (what.value = event.currentTarget.value)} />
      </div>
      <div class="field">
        <span class="label">{t("in.effect")}</span>
        <div class="segments" role="group" aria-label={t("in.effect")}>
          <button type="button" aria-pressed={slow.value === null} onClick={() => (slow.value = null)}>{t("in.closed")}</button>
          {[10, 20, 40].map((kmh) => <button type="button" aria-pressed={slow.value === kmh} onClick={() => (slow.value = kmh)}>{t("in.slow", { x: kmh })}</button>)}
        </div>
      </div>
      <div class="field">
        <span class="label">{t("act.expiry")}</span>
        <div class="segments" role="group" aria-label={t("act.expiry")}>
          {LENGTHS.map((m) => <button type="button" aria-pressed={minutes.value === m} onClick={() => (minutes.value = m)}>{m < 60 ? t("act.min", { n: m }) : t("act.hours", { n: m / 60 })}</button>)}
        </div>
      </div>
      {refused.value !== null && <p class="order-refused" role="alert"><Icon name="error" size={16} /><span>{refused.value}</span></p>}
      <button type="submit" class="button primary" aria-disabled={lacks !== null}>{t("in.send", { time: clockOf(cityNow() + minutes.value * 60_000) })}</button>
      <p class="label">{lacks ?? t("in.reaches")}</p>
    </form>
  );
}

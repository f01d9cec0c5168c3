// A response plan is prepared in quiet hours: one order for each of some junctions.

import { useSignal } from "@preact/signals";
import { kindOf, t } from "../i18n";
import { KINDS } from "../junction/ControlForm";
import { junctions } from "../live/live";
import { whyNot } from "../refusal";
import { open } from "../session";
import { who } from "../settings";
import { Icon } from "../ui/Icon";
import { prepareResponse } from "./api";

interface Row { junction: string; what: string }

/** `kind:adaptive`, `plan:2`, `stage:1`. */
function prepared({ junction, what }: Row) {
  const [sort = "", value = ""] = what.split(":");
  return { junction: junction.trim(), ...(sort === "kind" ? { kind: value } : sort === "plan" ? { plan: Number(value) } : { stage: Number(value) }) };
}

export function Prepare({ onDone }: { onDone: () => void }) {
  const name = useSignal("");
  const minutes = useSignal(30);
  const rows = useSignal<Row[]>([{ junction: "", what: "plan:1" }]);
  const refused = useSignal<string | null>(null);
  const lacks = name.value.trim() === "" || rows.value.some((row) => !junctions.value.has(row.junction.trim()));
  const put = (at: number, part: Partial<Row>) => (rows.value = rows.value.map((row, i) => (i === at ? { ...row, ...part } : row)));

  async function send(): Promise<void> {
    if (lacks) return;
    refused.value = null;
    try {
      await prepareResponse({ name: name.value.trim(), minutes: minutes.value, orders: rows.value.map(prepared), ...(open.value ? { who: who.value || t("top.personUnknown") } : {}) });
      onDone();
    } catch (error) {
      refused.value = whyNot(error);
    }
  }
  return (
    <form class="order in-report" aria-labelledby="in-prepare" onSubmit={(event) => { event.preventDefault(); void send(); }} onKeyDown={(event) => event.key === "Escape" && (event.preventDefault(), event.stopPropagation(), onDone())}>
      <h3 id="in-prepare">{t("in.prepare")}</h3>
      <div class="field"><label for="in-name">{t("in.name")}</label><input id="in-name" class="input" autofocus maxLength={200} value={name.value} onInput={(event) => (name.value = event.currentTarget.value)} /></div>
      <div class="segments" role="group" aria-label={t("act.expiry")}>
        {[15, 30, 60, 120].map((m) => <button type="button" aria-pressed={minutes.value === m} onClick={() => (minutes.value = m)}>{t("act.min", { n: m })}</button>)}
      </div>
      {rows.value.map((row, at) => (
        <div class="tk-row in-row" key={at}>
          <input class="input" aria-label={t("tk.do.reportWhere")} placeholder={t("tk.do.reportWhere")} value={row.junction} onInput={(event) => put(at, { junction: event.currentTarget.value })} />
          <select class="input" aria-label={t("in.order")} value={row.what} onChange={(event) => put(at, { what: event.currentTarget.value })}>
            {[1, 2, 3, 4].map((n) => <option value={`plan:${n}`}>{t("pl.plan", { n })}</option>)}
            {KINDS.map((kind) => <option value={`kind:${kind}`}>{kindOf(kind)}</option>)}
            {[1, 2, 3, 4].map((n) => <option value={`stage:${n}`}>{t("sg.Stage", { n })}</option>)}
          </select>
        </div>
      ))}
      <p class="orders-buttons">
        <button type="button" class="button small" onClick={() => (rows.value = [...rows.value, { junction: "", what: "plan:1" }])}><Icon name="plus" size={16} />{t("in.addOrder")}</button>
      </p>
      {refused.value !== null && <p class="order-refused" role="alert"><Icon name="error" size={16} /><span>{refused.value}</span></p>}
      <p class="orders-buttons">
        <button type="submit" class="button primary" aria-disabled={lacks}>{t("in.save")}</button>
        <button type="button" class="button" onClick={onDone}>{t("act.cancel")}</button>
      </p>
    </form>
  );
}

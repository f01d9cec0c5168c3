// Why this stage: one sentence of causes, then what else could have been, and what bound the choice.

import type { JunctionDetail } from "../api/view";
import { clockOf, kindOf, num, t, tk } from "../i18n";
import { MINUS, NBSP, number } from "../format";
import { replayed } from "../live/live";
import { write } from "../route";
import { language } from "../settings";
import { Icon } from "../ui/Icon";
import { bars, fact, why } from "./why";

/** A replay of a decision begins so long before it, ms: what led there is to be seen. */
const BEFORE_MS = 10_000;

export const rungReason = (reason: string): string => tk(`rung.${reason.replaceAll(" ", "_")}`) ?? reason;

export function Why({ detail }: { detail: JunctionDetail }) {
  const { decision, state } = detail;
  const decides = state.actual === "adaptive";
  if (!decision || !decides) {
    return (
      <section class="why" aria-labelledby="why-title">
        <header><h2 id="why-title">{state.stage === null ? t("why.titleNone") : t("why.title", { n: state.stage })}</h2></header>
        <p class="why-sentence">{decides ? t(replayed.value === null ? "why.none" : "rep.noDecision") : t("why.local", { why: rungReason(state.rung_reason) })}</p>
      </section>
    );
  }
  const unit = decision.alternatives[0]?.unit ?? "";
  const rows = bars(decision);
  // Pressure compares; seconds of a plan only count down.
  const compares = unit !== "s";
  const facts = Object.entries(decision.facts).filter(([name]) => tk(`fact.${name}`) !== null);
  return (
    <section class="why" aria-labelledby="why-title">
      <header>
        <h2 id="why-title">{t("why.title", { n: decision.stage })}</h2>
        <span class="code quiet" title={t("why.number", { n: decision.number })}>{number(decision.number, language.value)}</span>
      </header>
      <p class="why-sentence">{why(language.value, decision)}</p>
      {rows.length > 1 ? (
        <>
          <p class="why-unit label">{tk(`why.score.${unit}`) ?? unit}</p>
          <table class="choices">
            <tbody>
              {rows.map((row) => (
                <tr class={row.chosen ? "chosen" : ""}>
                  <td class="mark-cell">{row.chosen && <Icon name="check" size={16} />}</td>
                  <th scope="row">{row.stage === decision.before ? t("why.keep", { n: row.stage }) : t("why.go", { n: row.stage })}</th>
                  <td class="bar-cell"><i class={(row.score ?? 0) < 0 ? "minus" : ""} style={{ width: `${Math.round(92 * row.share)}%` }} /></td>
                  <td class="num">
                    <b>{row.score === null ? "–" : num(row.score, Number.isInteger(row.score) || Math.abs(row.score) >= 100 ? 0 : 1)}</b>
                    {compares && row.percent !== null && Math.abs(row.percent) < 1000 && <span class="quiet"> {row.percent > 0 ? "+" : row.percent < 0 ? MINUS : ""}{Math.abs(row.percent)}{NBSP}%</span>}
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
          {language.value === "en" && rows.some((row) => row.refused) && (
            <ul class="refusals">{rows.filter((row) => row.refused).map((row) => <li class="label">{t("sg.Stage", { n: row.stage })}, {t("why.refused", { why: tk(`limit.${row.refused}`) ?? row.refused })}</li>)}</ul>
          )}
        </>
      ) : (
        rows[0]?.unit === "s" && <p class="label">{t("why.noAlternatives")}</p>
      )}
      <dl class="why-facts">
        <dt>{t("why.kind")}</dt>
        <dd>{kindOf(decision.kind)}</dd>
        <dt>{t("why.limitsOf", { n: decision.stage })}</dt>
        <dd>{decision.limits.length === 0 ? t("why.noLimits") : decision.limits.map((limit) => tk(`limit.${limit}`) ?? limit).join(", ")}</dd>
        {facts.length > 0 && <><dt>{t("why.facts")}</dt><dd>{facts.map(([name, value]) => `${tk(`fact.${name}`)}${NBSP}${fact(language.value, name, value)}`).join(", ")}</dd></>}
        <dt>{t("why.when")}</dt>
        <dd>{clockOf(decision.at)}</dd>
      </dl>
      {replayed.value === null && (
        <p class="why-buttons">
          <a class="button" href={write({ screen: "replay", id: detail.id, query: { at: String(decision.at - BEFORE_MS) } })}><Icon name="audit" size={16} />{t("why.replay")}</a>
          <a class="button" href={write({ screen: "measures", id: null, query: { j: detail.id } })}><Icon name="measures" size={16} />{t("nav.measures")}</a>
        </p>
      )}
    </section>
  );
}

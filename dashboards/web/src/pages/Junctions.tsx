// All junctions as a list: the way there without a map.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import { ago, modeOf, nameOf, num, t } from "../i18n";
import { withKeys } from "../keys";
import { ageOf, health, junctions } from "../live/live";
import { go, junctionHref } from "../route";
import { plain } from "../city/Search";
import { TopBar } from "../ui/Shell";
import { AgeRing, AlarmBadge, ModeGlyph, WantedGlyph } from "../ui/signs";

/** More rows than that help nobody; the filter finds the rest. */
const MOST = 300;

export function Junctions() {
  const filter = useSignal("");
  const input = useRef<HTMLInputElement>(null);
  useEffect(() => withKeys({ "/": () => input.current?.focus() }), []);
  const words = plain(filter.value).split(/\s+/).filter(Boolean);
  const all = [...junctions.value.values()]
    .filter(({ id, name, district }) => {
      const text = plain(`${id} ${name.local} ${name.en} ${district}`);
      return words.every((word) => text.includes(word));
    })
    .sort((a, b) => (a.state.alarm ?? 9) - (b.state.alarm ?? 9) || a.id.localeCompare(b.id, "en", { numeric: true }));
  const shown = all.slice(0, MOST);
  return (
    <>
      <TopBar title={t("list.title")} sub={health.value && nameOf(health.value.city.name)} />
      <main id="main" class="screen list-page" tabIndex={-1}>
        <header>
          <input ref={input} class="input" type="search" aria-label={t("list.filter")} placeholder={t("list.filter")} value={filter.value} onInput={(event) => (filter.value = event.currentTarget.value)} />
          <span class="label" role="status">{t("list.count", { n: num(all.length), total: num(junctions.value.size) })}</span>
        </header>
        <div class="list-scroll" tabIndex={-1}>
          <table class="rows">
            <thead>
              <tr>
                <th>{t("list.id")}</th><th>{t("list.name")}</th><th class="wide">{t("list.district")}</th><th>{t("list.wanted")}</th><th>{t("list.actual")}</th>
                <th class="wide">{t("list.stage")}</th><th class="wide">{t("list.age")}</th><th>{t("list.alarm")}</th>
              </tr>
            </thead>
            <tbody>
              {shown.map(({ id, name, district, state, lastKnown }) => {
                const age = ageOf(state);
                return (
                  <tr key={id} onClick={() => go("junction", id)}>
                    <td class="code">{id}</td>
                    <td><a href={junctionHref(id)} onClick={(event) => event.stopPropagation()}>{nameOf(name)}</a></td>
                    <td class="wide soft">{district}</td>
                    <td><span class="with-glyph"><WantedGlyph mode={state.wanted} />{modeOf(state.wanted)}</span></td>
                    <td><span class={`with-glyph${state.actual === state.wanted ? "" : " differs"}`}><ModeGlyph actual={state.actual} wanted={state.wanted} last={lastKnown} />{modeOf(state.actual)}</span></td>
                    <td class="wide">{state.stage ?? "–"}</td>
                    <td class="wide"><span class="with-glyph"><AgeRing seconds={age} />{age === null ? t("age.never") : ago(age)}</span></td>
                    <td>{state.alarm !== null && <AlarmBadge priority={state.alarm} />}</td>
                  </tr>
                );
              })}
            </tbody>
          </table>
          {all.length === 0 && junctions.value.size > 0 && <p class="state">{t("list.none")}</p>}
          {all.length > MOST && <p class="state soft">{t("list.more", { n: num(all.length - MOST) })}</p>}
        </div>
      </main>
    </>
  );
}

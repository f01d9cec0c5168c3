// Search, layers, legends. A legend is also the filter: press a class to take it off the map.

import type { RefObject } from "preact";
import { num, t } from "../i18n";
import { inForce } from "../incidents/open";
import { health, junctions, vehicles } from "../live/live";
import { WIDTH, type Los } from "../los";
import { mapInfo } from "../map/data";
import type { LayerGroup } from "../map/style";
import { leftPanel } from "../settings";
import { Icon } from "../ui/Icon";
import { ModeGlyph } from "../ui/signs";
import { cameras } from "./cameras";
import { LAYERS, LOS_KEYS, MODE_KEYS, drawer, isShown, shown, toggleClass, toggleLayer } from "./state";
import { Search, type Found } from "./Search";
import { Views } from "./Views";

function count(layer: LayerGroup): number | null {
  switch (layer) {
    case "junctions":
      return junctions.value.size;
    case "vehicles":
      return vehicles.value?.vehicles.length ?? null;
    case "incidents":
      return inForce.value.length;
    case "cameras":
      return cameras.value.length;
    case "detectors":
    case "corridors":
    case "lines":
    case "stops":
      return mapInfo.value?.counts[layer] ?? null;
    default:
      return null;
  }
}

function LosLine({ los }: { los: Los | "none" }) {
  return (
    <svg class="los-line" width="50" height="8" aria-hidden="true">
      {los === "none" ? (
        <line x1="1" x2="49" y1="4" y2="4" stroke="var(--hatch)" stroke-width="1.5" stroke-dasharray="1.5 2.6" />
      ) : (
        <line x2="50" y1="4" y2="4" stroke={`var(--los-${los.toLowerCase()})`} stroke-width={WIDTH[los] + 0.2} />
      )}
    </svg>
  );
}

export function LeftPanel({ input, onPick }: { input: RefObject<HTMLInputElement | null>; onPick: (found: Found) => void }) {
  const state = shown.value;
  const byMode = health.value?.junctions.by_mode ?? {};
  const differing = [...junctions.value.values()].filter(({ state: s }) => s.actual !== "no_contact" && s.wanted !== s.actual).length;
  return (
    <section class={`side side-left${drawer.value ? " drawn" : ""}`} aria-label={t("city.left")}>
      <button type="button" class="icon-button drawer-close" aria-label={t("layers.close")} onClick={() => (drawer.value = false)}>
        <Icon name="close" />
      </button>
      <Search id="search" input={input} onPick={onPick} hint looksThrough label={t("search.label")} />
      <div>
        <h2>{t("layers")}</h2>
        <ul class="layer-list">
          {LAYERS.map((layer) => {
            const n = count(layer);
            return (
              <li>
                <button type="button" class="switch" role="switch" aria-checked={state.layers[layer]} onClick={() => toggleLayer(layer)}>
                  <i />
                  <span>{t(`layers.${layer}`)}</span>
                  {n !== null && <span class="num">{num(n)}</span>}
                </button>
              </li>
            );
          })}
        </ul>
      </div>
      <div>
        <h2>{t("los")}</h2>
        <ul class="legend legend-los">
          {LOS_KEYS.map((los) => (
            <li>
              <button type="button" aria-pressed={isShown(los)} onClick={() => toggleClass(los)}>
                <b>{los === "none" ? "" : los}</b>
                <LosLine los={los} />
                <span>{t(`los.${los}`)}</span>
              </button>
            </li>
          ))}
        </ul>
        <p class="label">{t("los.of")}</p>
      </div>
      <div>
        <h2>{t("mode")}</h2>
        <ul class="legend legend-mode">
          {MODE_KEYS.map((mode) => (
            <li>
              <button type="button" aria-pressed={isShown(mode)} onClick={() => toggleClass(mode)}>
                <ModeGlyph actual={mode} wanted={mode} last="adaptive" />
                <span>{t(`mode.${mode}`)}</span>
                <span class="num">{num(byMode[mode] ?? 0)}</span>
              </button>
            </li>
          ))}
          <li class="legend-note">
            <ModeGlyph actual="local_actuated" wanted="adaptive" />
            <span>{t("mode.differs")}</span>
            <span class="num">{num(differing)}</span>
          </li>
        </ul>
      </div>
      <Views />
      <button type="button" class="icon-button small collapse" aria-keyshortcuts="[" aria-label={t("panel.shut")} title={`${t("panel.shut")} [`} onClick={() => (leftPanel.value = "shut")}>
        <Icon name="back" size={16} />
      </button>
    </section>
  );
}

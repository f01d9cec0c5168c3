// Our own signs as SVG: junction glyph, alarm badge, data-age ring. The map draws the same shapes as sprites.

import { coarse, modeOf, t } from "../i18n";
import { alarmPath, isAlarming, rungPath, sized } from "./shapes";

/** Patterns that the signs use, once in the page. */
export function Patterns() {
  return (
    <svg class="patterns" width="0" height="0" aria-hidden="true">
      <defs>
        <pattern id="hatch" width="4" height="4" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <line x1="0" y1="0" x2="0" y2="4" stroke="var(--hatch)" stroke-width="1.6" />
        </pattern>
        <pattern id="hatch-wide" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <line x1="0" y1="0" x2="0" y2="6" stroke="var(--hatch)" stroke-width="1.2" />
        </pattern>
        <pattern id="blink" width="4" height="4" patternUnits="userSpaceOnUse">
          <rect width="2.4" height="4" fill="var(--lamp-green)" />
        </pattern>
        <pattern id="blink-amber" width="14" height="4" patternUnits="userSpaceOnUse">
          <rect width="7" height="4" fill="var(--lamp-amber)" />
        </pattern>
      </defs>
    </svg>
  );
}

interface Glyph {
  actual: string;
  wanted?: string;
  /** The last known shape, for a junction without contact. */
  last?: string | null;
  size?: number;
}

/** Solid is actual; an outline around it is what is wanted, where that differs; hatch is no contact. */
export function ModeGlyph({ actual, wanted, last, size = 16 }: Glyph) {
  const silent = actual === "no_contact";
  const differs = wanted !== undefined && wanted !== actual && !silent;
  const shape = rungPath(silent ? (last ?? wanted ?? "adaptive") : actual);
  const colour = isAlarming(actual, wanted ?? "") ? "var(--alarm-1-fill)" : "var(--junction)";
  const scale = differs ? 4 : silent ? 5.6 : 5.2;
  return (
    <svg class="glyph" width={size} height={size} viewBox="-9 -9 18 18" aria-hidden="true">
      {differs && <path d={sized(rungPath(wanted), 7.4)} class="wanted-outline" />}
      {silent ? (
        <path d={sized(shape, scale)} fill="url(#hatch)" stroke="var(--junction)" stroke-width="1.2" stroke-dasharray="2.2 1.4" />
      ) : (
        <path d={sized(shape, scale)} fill={colour} />
      )}
    </svg>
  );
}

/** Only the outline: what is wanted. */
export function WantedGlyph({ mode, size = 16 }: { mode: string; size?: number }) {
  return (
    <svg class="glyph" width={size} height={size} viewBox="-9 -9 18 18" aria-hidden="true">
      <path d={sized(rungPath(mode), 5.4)} class="wanted-outline" />
    </svg>
  );
}

export function AlarmBadge({ priority, size = 20, pulse = false }: { priority: number; size?: number; pulse?: boolean }) {
  const p = priority === 1 || priority === 2 ? priority : 3;
  return (
    <svg class={`badge badge-${p}${pulse ? " pulse" : ""}`} width={size} height={size} viewBox="-11 -11 22 22" role="img" aria-label={t(`alarm.p`, { n: p })}>
      <path d={sized(alarmPath(p), p === 2 ? 8.6 : 9)} class="badge-shape" />
      <text y={p === 2 ? 5.4 : 4.4} text-anchor="middle" class="badge-number">
        {p}
      </text>
    </svg>
  );
}

interface Age {
  /** Seconds since the sample; null when there never was one. */
  seconds: number | null;
  /** The source's normal interval, s: the ring empties over three. */
  interval?: number;
  size?: number;
}

/** A ring that empties over three normal intervals, then hatches. The age in words stands beside it. */
export function AgeRing({ seconds, interval = 1, size = 14 }: Age) {
  const left = seconds === null ? 0 : Math.max(0, 1 - seconds / (3 * interval));
  const r = 5;
  const round = 2 * Math.PI * r;
  const label = seconds === null ? t("age.never") : t("age.label", { age: coarse(seconds) });
  return (
    <svg class="age-ring" width={size} height={size} viewBox="-7.5 -7.5 15 15" role="img" aria-label={label}>
      {left <= 0 ? (
        <circle r="6" fill="url(#hatch)" stroke="var(--hatch)" stroke-width="1" />
      ) : (
        <>
          <circle r={r} fill="none" stroke="var(--line-strong)" stroke-width="2.4" />
          <circle r={r} fill="none" stroke="var(--text-2)" stroke-width="2.4" stroke-dasharray={`${round * left} ${round}`} transform="rotate(-90)" />
        </>
      )}
    </svg>
  );
}

/** Words for both rows, in the same order: mode, then stage. */
export function doing(mode: string, stage: number | null, interstage = false): string {
  const word = modeOf(mode).toLowerCase();
  if (stage === null) return word;
  return interstage ? t("pop.interstage", { mode: word, n: stage }) : t("pop.modeStage", { mode: word, n: stage });
}

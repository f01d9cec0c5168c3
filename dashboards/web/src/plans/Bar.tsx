// A plan as a bar over its cycle: what goes by in interstages, and the greens. Solid runs on the street, an outline is wanted.

import { num, t } from "../i18n";
import type { Check } from "./api";

export function PlanBar({ steps, check, wanted, longest }: { steps: readonly [number, number][]; check?: Check | null; wanted?: boolean; longest: number }) {
  return (
    <div class={`plan-bar${wanted ? " wanted" : ""}`} role="img" aria-label={steps.map(([stage, s]) => `${t("sg.Stage", { n: stage })} ${t("sg.seconds", { x: num(s, s % 1 ? 1 : 0) })}`).join(", ")}>
      {steps.map(([stage, s], i) => {
        const step = check?.steps[i];
        return (
          <span key={i} class={step && !step.fits ? "bad" : ""} style={{ width: `${(100 * s) / Math.max(1, longest)}%` }}>
            {step && s > 0 && <i style={{ width: `${Math.min(100, (100 * step.interstage_s) / s)}%` }} />}
            {step && s > 0 && <u style={{ left: `${Math.min(100, (100 * step.shortest_s) / s)}%` }} />}
            <b>{stage}</b>
          </span>
        );
      })}
    </div>
  );
}

// A chart that can be looked into: dragged over or with keys, and taken away as a picture.

import { useSignal } from "@preact/signals";
import { useEffect, useRef } from "preact/hooks";
import type { Chart } from "../api/measures";
import { save } from "../files";
import { clockOf, minuteOf, num, t } from "../i18n";
import { cityNow } from "../live/live";
import { onPaper } from "../print";
import { language, theme } from "../settings";
import { tokens } from "../tokens";
import { useSize } from "../ui/TimeStrip";
import { abscissa, draw, moment, type Frame } from "./draw";

/** What is seen of the range, as shares of it: both charts of a comparison look at the same. */
export interface Zoom { from: number; to: number }
export const WHOLE: Zoom = { from: 0, to: 1 };
const LEAST = 0.01;

interface Props { chart: Chart; title: string; top: number; zoom: { value: Zoom }; name: string; take: { value: (() => void) | null } | null }

export function Plot({ chart, title, top, zoom, name, take }: Props) {
  const { element, size } = useSize({ width: 900, height: 260 });
  const canvas = useRef<HTMLCanvasElement>(null);
  const drag = useSignal<[number, number] | null>(null);
  const { width, height } = size.value;
  const span = chart.to - chart.from;
  const seconds = span * (zoom.value.to - zoom.value.from) < 20 * 60_000;
  const frame: Frame = {
    width,
    height,
    from: chart.from + zoom.value.from * span,
    to: chart.from + zoom.value.to * span,
    ahead: chart.utc_offset_s * 1000,
    known: Math.min(chart.to, cityNow()),
    top,
    diagram: chart.name === "coordination_diagram",
    clock: seconds ? clockOf : minuteOf,
    number: (value) => num(value, Number.isInteger(value) ? 0 : 1),
  };

  useEffect(() => {
    const paint = (ratio: number) => {
      const c = canvas.current?.getContext("2d");
      if (!canvas.current || !c || width < 20) return;
      canvas.current.width = Math.round(width * ratio);
      canvas.current.height = Math.round(height * ratio);
      c.scale(ratio, ratio);
      draw(c, chart.series, frame, tokens());
    };
    paint(devicePixelRatio || 1);
    return onPaper(paint);
  }, [chart, width, height, zoom.value, theme.value, language.value, top]);

  if (take) {
    take.value = () => {
      const paper = document.createElement("canvas");
      const [w, h, head] = [1400, 560, 44];
      paper.width = 2 * w;
      paper.height = 2 * (h + head);
      const c = paper.getContext("2d");
      if (!c) return;
      const token = tokens();
      c.scale(2, 2);
      c.fillStyle = token("bg-panel");
      c.fillRect(0, 0, w, h + head);
      c.fillStyle = token("text-1");
      c.font = `600 16px ${token("font-ui")}`;
      c.fillText(title, 16, 28);
      c.translate(0, head);
      draw(c, chart.series, { ...frame, width: w, height: h }, token);
      paper.toBlob((blob) => blob && save(`${name}.png`, blob));
    };
  }

  const set = (from: number, to: number) => {
    const wide = Math.min(1, Math.max(LEAST, to - from));
    const begin = Math.min(1 - wide, Math.max(0, from));
    zoom.value = { from: begin, to: begin + wide };
  };
  const share = (x: number) => (moment(frame, x) - chart.from) / span;
  const middle = (zoom.value.from + zoom.value.to) / 2;
  const wide = zoom.value.to - zoom.value.from;
  const keys: Record<string, () => void> = {
    "+": () => set(middle - wide / 4, middle + wide / 4),
    "=": () => set(middle - wide / 4, middle + wide / 4),
    "-": () => set(middle - wide, middle + wide),
    "0": () => set(0, 1),
    ArrowLeft: () => set(zoom.value.from - wide / 4, zoom.value.to - wide / 4),
    ArrowRight: () => set(zoom.value.from + wide / 4, zoom.value.to + wide / 4),
  };
  const points = chart.series.reduce((sum, one) => sum + one.x.length, 0);
  const x = abscissa(frame);
  return (
    <div
      class="plot"
      ref={element}
      tabIndex={0}
      role="img"
      aria-label={t("m.plot", { title, n: num(points), from: clockOf(frame.from), to: clockOf(frame.to) })}
      data-points={points}
      onKeyDown={(event) => {
        const act = keys[event.key];
        if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
        event.preventDefault();
        event.stopPropagation();
        act();
      }}
      onPointerDown={(event) => {
        const at = event.clientX - event.currentTarget.getBoundingClientRect().left;
        event.currentTarget.setPointerCapture(event.pointerId);
        drag.value = [at, at];
      }}
      onPointerMove={(event) => {
        if (drag.value) drag.value = [drag.value[0], event.clientX - event.currentTarget.getBoundingClientRect().left];
      }}
      onPointerUp={() => {
        const { value: pulled } = drag;
        drag.value = null;
        if (pulled && Math.abs(pulled[1] - pulled[0]) > 6) set(share(Math.min(...pulled)), share(Math.max(...pulled)));
      }}
      onPointerCancel={() => (drag.value = null)}
      onDblClick={() => set(0, 1)}
    >
      <canvas ref={canvas} style={{ width: `${width}px`, height: `${height}px` }} aria-hidden="true" />
      {drag.value && <i class="plot-drag" style={{ left: `${Math.max(x(frame.from), Math.min(...drag.value))}px`, width: `${Math.abs(drag.value[1] - drag.value[0])}px` }} />}
    </div>
  );
}

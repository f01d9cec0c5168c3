// The map's pictures, drawn when the map first asks for one, in the colours of the theme.

import { CHEVRON, alarmPath, rungPath } from "../ui/shapes";
import type { Tokens } from "../tokens";

/** Pixels per CSS pixel: crisp up to twice the size on a double-density screen. */
export const RATIO = 4;

export interface JunctionIcon {
  actual: string;
  /** Set where what is wanted differs. */
  wanted: string | null;
  /** Last known rung, for no contact. */
  silent: boolean;
  hold: boolean;
  alarming: boolean;
}

export const junctionIcon = (icon: JunctionIcon): string =>
  ["j", icon.actual, icon.wanted ?? "", icon.silent ? "silent" : "", icon.hold ? "hold" : "", icon.alarming ? "red" : ""].join("|");

/** The picture behind a name, or null if the name means nothing. */
export function draw(name: string, token: Tokens, dense: string): ImageData | null {
  const [kind, ...rest] = name.split("|");
  switch (kind) {
    case "j":
      return junction(rest, token);
    case "rung":
      return on(14, (c) => fill(c, rungPath(rest[0] ?? ""), 3.5, token("junction")));
    case "los":
      return losLetter(rest[0] ?? "", token, dense);
    case "alarm":
      return alarm(Number(rest[0]), token);
    case "incident":
      return on(26, (c) => {
        c.beginPath();
        c.roundRect(-9, -9, 18, 18, 3);
        c.fillStyle = token("bg-raised");
        c.fill();
        c.lineWidth = 1.6;
        c.strokeStyle = token("text-1");
        c.stroke();
        c.beginPath();
        if (rest[0] === "closed") {
          c.moveTo(-5, 0);
          c.lineTo(5, 0);
          c.lineWidth = 4;
        } else {
          for (const x of [-3.5, 1.5]) {
            c.moveTo(x, -4);
            c.lineTo(x + 3, 0);
            c.lineTo(x, 4);
          }
          c.lineWidth = 1.8;
        }
        c.stroke();
      });
    case "detector":
      return detector(rest[0] ?? "", token);
    case "camera":
      return camera(rest[0] === "silent", token);
    case "end":
      return on(26, (c) => {
        c.beginPath();
        c.arc(0, 0, 10, 0, 7);
        c.fillStyle = token("bg-raised");
        c.fill();
        c.lineWidth = 2;
        c.strokeStyle = token("accent");
        c.stroke();
        letter(c, rest[0] ?? "", token("text-1"), dense, 13);
      });
    case "vehicle":
    case "vehicle-old":
      return on(16, (c) => {
        const path = new Path2D();
        path.addPath(new Path2D(CHEVRON), new DOMMatrix().scale(4.6));
        c.lineJoin = "round";
        c.lineWidth = 2;
        c.strokeStyle = token("map-halo");
        c.stroke(path);
        if (kind === "vehicle") {
          c.fillStyle = token("vehicle");
          c.fill(path);
        } else {
          c.lineWidth = 1;
          c.setLineDash([1.6, 1.2]);
          c.strokeStyle = token("hatch");
          c.stroke(path);
        }
      });
    case "selected":
      return on(36, (c) => {
        c.beginPath();
        c.arc(0, 0, 13, 0, 7);
        c.lineWidth = 2.2;
        c.strokeStyle = token("accent");
        c.stroke();
      });
    default:
      return null;
  }
}

function on(size: number, paint: (c: OffscreenCanvasRenderingContext2D) => void): ImageData {
  const canvas = new OffscreenCanvas(size * RATIO, size * RATIO);
  const c = canvas.getContext("2d") as OffscreenCanvasRenderingContext2D;
  c.setTransform(RATIO, 0, 0, RATIO, (size * RATIO) / 2, (size * RATIO) / 2);
  paint(c);
  return c.getImageData(0, 0, canvas.width, canvas.height);
}

function scaled(path: string, r: number): Path2D {
  const out = new Path2D();
  out.addPath(new Path2D(path), new DOMMatrix().scale(r));
  return out;
}

function fill(c: OffscreenCanvasRenderingContext2D, path: string, r: number, colour: string): void {
  c.fillStyle = colour;
  c.fill(scaled(path, r));
}

function junction([actual = "", wanted = "", silent = "", hold = "", red = ""]: string[], token: Tokens): ImageData {
  return on(30, (c) => {
    c.lineJoin = "round";
    const r = wanted || red ? 4.4 : 3.5;
    if (wanted || red) {
      // A disc of ground under the outline, so that streets do not run through it.
      fill(c, rungPath("adaptive"), 10.4, token("map-halo"));
      c.lineWidth = 1.5;
      c.strokeStyle = token("text-1");
      c.stroke(scaled(rungPath(wanted || "adaptive"), 9));
    }
    const shape = scaled(rungPath(actual), red ? 5.4 : r);
    c.lineWidth = 2.4;
    c.strokeStyle = token("map-halo");
    c.stroke(shape);
    if (silent) {
      const big = scaled(rungPath(actual), 5);
      c.fillStyle = token("map-halo");
      c.fill(big);
      c.save();
      c.clip(big);
      c.lineWidth = 1.1;
      c.strokeStyle = token("hatch");
      for (let i = -12; i <= 12; i += 3.2) {
        c.beginPath();
        c.moveTo(i - 6, 6);
        c.lineTo(i + 6, -6);
        c.stroke();
      }
      c.restore();
      c.lineWidth = 1;
      c.setLineDash([1.8, 1.3]);
      c.strokeStyle = token("junction");
      c.stroke(big);
    } else {
      c.fillStyle = red ? token("alarm-1-fill") : token("junction");
      c.fill(shape);
    }
    if (hold) {
      c.setLineDash([]);
      c.strokeStyle = token("accent");
      c.fillStyle = token("accent");
      c.lineWidth = 1.4;
      c.beginPath();
      c.moveTo(-4, -2);
      c.lineTo(-4, -12);
      c.stroke();
      c.beginPath();
      c.moveTo(-4, -12);
      c.lineTo(2.5, -9.6);
      c.lineTo(-4, -7.2);
      c.fill();
    }
  });
}

function letter(c: OffscreenCanvasRenderingContext2D, text: string, colour: string, dense: string, size: number): void {
  c.font = `600 ${size}px ${dense}`;
  c.textAlign = "center";
  c.textBaseline = "alphabetic";
  c.fillStyle = colour;
  c.fillText(text, 0, size * 0.355);
}

function losLetter(los: string, token: Tokens, dense: string): ImageData {
  return on(20, (c) => {
    c.beginPath();
    c.roundRect(-7.5, -7.5, 15, 15, 3);
    c.fillStyle = token("los-tag");
    c.fill();
    c.lineWidth = 1.8;
    c.strokeStyle = token(`los-${los.toLowerCase()}`);
    c.stroke();
    letter(c, los, token("text-1"), dense, 11);
  });
}

function alarm(priority: number, token: Tokens): ImageData {
  return on(24, (c) => {
    const shape = scaled(alarmPath(priority), priority === 2 ? 8.4 : 8.2);
    c.lineJoin = "round";
    c.lineWidth = 4.5;
    c.strokeStyle = token("map-halo");
    c.stroke(shape);
    c.lineWidth = 2;
    c.strokeStyle = token(priority === 2 && document.documentElement.dataset["theme"] === "light" ? "alarm-2" : `alarm-${priority}-fill`);
    c.fillStyle = token(`alarm-${priority}-fill`);
    c.stroke(shape);
    c.fill(shape);
    c.translate(0, priority === 2 ? 1.4 : 0.2);
    letter(c, String(priority), token(`alarm-${priority}-on`), token("font-ui"), priority === 2 ? 10.5 : 12);
  });
}

/** A detector: a loop is square, what looks from above round; hatched where it is not believed. */
function detector(kind: string, token: Tokens): ImageData {
  return on(20, (c) => {
    const failing = kind === "failing";
    const path = new Path2D();
    if (kind === "area" || kind === "radar") path.arc(0, 0, 5, 0, 7);
    else path.rect(-5, -5, 10, 10);
    c.lineJoin = "round";
    c.lineWidth = 4;
    c.strokeStyle = token("map-halo");
    c.stroke(path);
    c.fillStyle = token("map-halo");
    c.fill(path);
    if (failing) {
      c.save();
      c.clip(path);
      c.lineWidth = 1.2;
      c.strokeStyle = token("hatch");
      for (let i = -12; i <= 12; i += 3) {
        c.beginPath();
        c.moveTo(i - 6, 6);
        c.lineTo(i + 6, -6);
        c.stroke();
      }
      c.restore();
      c.setLineDash([2, 1.4]);
    }
    c.lineWidth = 1.4;
    c.strokeStyle = token("junction");
    c.stroke(path);
  });
}

/** A camera in its frame; one that gives no picture is dashed and struck through. */
function camera(silent: boolean, token: Tokens): ImageData | null {
  return on(24, (c) => {
    c.beginPath();
    c.roundRect(-9, -8, 18, 16, 3);
    c.fillStyle = token("bg-raised");
    c.fill();
    c.lineWidth = 1.3;
    c.strokeStyle = token(silent ? "text-3" : "line-control");
    c.setLineDash(silent ? [2.5, 2] : []);
    c.stroke();
    c.setLineDash([]);
    c.strokeStyle = token(silent ? "text-3" : "text-1");
    c.beginPath();
    c.roundRect(-6, -4, 8, 8, 1.5);
    c.moveTo(2, -1);
    c.lineTo(6, -3.5);
    c.lineTo(6, 3.5);
    c.lineTo(2, 1);
    c.stroke();
    if (silent) {
      c.beginPath();
      c.moveTo(-7, 6);
      c.lineTo(7, -6);
      c.stroke();
    }
  });
}

// Draws the fleet: one call for all of it, inside the map, under its labels and alarms. Vehicles glide from where they were to
// where they are and stop there; nobody is drawn where nobody said that he is.

import type { CustomLayerInterface, CustomRenderMethodInput, Map as MapLibre } from "maplibre-gl";
import type { Vehicles } from "../api/view";
import type { Tokens } from "../tokens";
import { NOBODY, STRIDE, mercator, next, within } from "./fleet";
import { draw } from "./sprites";

/** With more than so many in view they are dots, which along a street become a line as dense as its traffic. */
const DOTS_OVER = 2000;
/** From afar too: a chevron of nine pixels would be longer than the street. */
const DOTS_BELOW_ZOOM = 11.5;
/** A step of the glide, px: smaller ones are drawn for nobody. */
const STEP_PX = 1;
/** A glide takes as long as passed between two pictures, within these bounds, ms. */
const GLIDE_MS = { least: 200, most: 5000 };

// Points, not squares by instance: where the processor draws, each instance would be a call of its own.
const VERTEX = `#version 300 es
in vec4 way;
in float heading;
uniform mat4 world;
uniform float size;
uniform float gone;
flat out vec2 turn;
void main() {
  gl_Position = world * vec4(mix(way.xy, way.zw, gone), 0.0, 1.0);
  gl_PointSize = size;
  turn = vec2(cos(heading), sin(heading));
}`;
const FRAGMENT = `#version 300 es
precision mediump float;
flat in vec2 turn;
uniform sampler2D picture;
uniform vec4 dot_colour;
out vec4 colour;
void main() {
  vec2 at = gl_PointCoord - 0.5;
  if (dot_colour.a > 0.0) {
    colour = vec4(dot_colour.rgb, 1.0) * dot_colour.a * (1.0 - smoothstep(0.3, 0.5, length(at)));
  } else {
    colour = texture(picture, vec2(turn.x * at.x + turn.y * at.y, turn.x * at.y - turn.y * at.x) + 0.5);
  }
}`;

interface Drawing {
  gl: WebGL2RenderingContext;
  program: WebGLProgram;
  shape: WebGLVertexArrayObject;
  buffer: WebGLBuffer;
  pictures: { now: WebGLTexture; old: WebGLTexture };
  uniform: Record<"world" | "size" | "gone" | "dot_colour", WebGLUniformLocation | null>;
}

export class VehicleLayer implements CustomLayerInterface {
  readonly id = "vehicles";
  readonly type = "custom" as const;
  shown = true;
  #map: MapLibre | null = null;
  #drawing: Drawing | null = null;
  #fleet = NOBODY;
  #old = false;
  #fresh = false;
  #dots = false;
  #dotColour: [number, number, number] = [0, 0, 0];
  #token: Tokens;
  readonly #still: boolean;
  /** When the newest picture came, how long its glide takes, and how many steps it has. */
  #came = 0;
  #glide = GLIDE_MS.least;
  #steps = 1;
  #due: ReturnType<typeof setTimeout> | undefined;

  /** `still`: the person wants nothing to glide. */
  constructor(token: Tokens, still: boolean) {
    this.#token = token;
    this.#still = still;
  }

  /** `old`: contact is cut; vehicles stay where they were last seen, drawn as outlines. */
  set(vehicles: Vehicles | null, old: boolean): void {
    this.#old = old;
    if (vehicles) {
      this.#fleet = next(this.#fleet, vehicles);
      const now = performance.now();
      this.#glide = Math.min(GLIDE_MS.most, Math.max(GLIDE_MS.least, now - this.#came));
      this.#came = now;
      this.#fresh = true;
    }
    this.look();
    this.#map?.triggerRepaint();
  }

  /** Counts anew who is in view: after a new picture, and when the map has moved. */
  look(): void {
    const map = this.#map;
    if (!map) return;
    const bounds = map.getBounds();
    const [west, north] = mercator([bounds.getWest(), bounds.getNorth()]);
    const [east, south] = mercator([bounds.getEast(), bounds.getSouth()]);
    const { seen, farthest } = within(this.#fleet, [west, north, east, south]);
    this.#dots = seen > DOTS_OVER || map.getZoom() < DOTS_BELOW_ZOOM;
    const px = farthest * 512 * 2 ** map.getZoom();
    this.#steps = this.#still || this.#dots || this.#old ? 1 : Math.max(1, Math.ceil(px / STEP_PX));
  }

  /** The theme's colours. */
  recolour(token: Tokens): void {
    this.#token = token;
    if (this.#drawing) this.#paintPictures(this.#drawing);
  }

  onAdd(map: MapLibre, gl: WebGL2RenderingContext): void {
    this.#map = map;
    const program = build(gl);
    const buffer = gl.createBuffer();
    const shape = gl.createVertexArray();
    gl.bindVertexArray(shape);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
    const attribute = (name: string, size: number, offset: number) => {
      const at = gl.getAttribLocation(program, name);
      gl.enableVertexAttribArray(at);
      gl.vertexAttribPointer(at, size, gl.FLOAT, false, STRIDE * 4, offset * 4);
    };
    attribute("way", 4, 0);
    attribute("heading", 1, 4);
    gl.bindVertexArray(null);
    const names = ["world", "size", "gone", "dot_colour"] as const;
    const uniform = Object.fromEntries(names.map((name) => [name, gl.getUniformLocation(program, name)])) as Drawing["uniform"];
    this.#drawing = { gl, program, shape, buffer, pictures: { now: gl.createTexture(), old: gl.createTexture() }, uniform };
    this.#paintPictures(this.#drawing);
    this.#fresh = true;
    this.look();
  }

  onRemove(): void {
    clearTimeout(this.#due);
    // The map's context goes with the map, and everything in it.
    this.#drawing = null;
    this.#map = null;
  }

  render(gl: WebGL2RenderingContext, { defaultProjectionData }: CustomRenderMethodInput): void {
    const [map, drawing, fleet] = [this.#map, this.#drawing, this.#fleet];
    if (!map || !drawing || !this.shown || fleet.count === 0) return;
    if (this.#fresh) {
      gl.bindBuffer(gl.ARRAY_BUFFER, drawing.buffer);
      gl.bufferData(gl.ARRAY_BUFFER, fleet.data, gl.DYNAMIC_DRAW);
      this.#fresh = false;
    }
    const canvas = map.getCanvas();
    const zoom = map.getZoom();
    const size = this.#dots ? Math.min(3, Math.max(1.6, zoom / 5)) : 16 * sizeAt(zoom);
    const passed = performance.now() - this.#came;
    const gone = this.#steps === 1 ? 1 : Math.min(1, passed / this.#glide);
    gl.useProgram(drawing.program);
    gl.uniformMatrix4fv(drawing.uniform.world, false, moved(defaultProjectionData.mainMatrix, fleet.origin));
    gl.uniform1f(drawing.uniform.size, (size * canvas.width) / canvas.clientWidth);
    gl.uniform1f(drawing.uniform.gone, gone);
    gl.uniform4f(drawing.uniform.dot_colour, ...this.#dotColour, this.#dots ? (this.#old ? 0.25 : 0.5) : 0);
    gl.activeTexture(gl.TEXTURE0);
    gl.bindTexture(gl.TEXTURE_2D, this.#old ? drawing.pictures.old : drawing.pictures.now);
    gl.bindVertexArray(drawing.shape);
    gl.drawArrays(gl.POINTS, 0, fleet.count);
    gl.bindVertexArray(null);
    if (gone < 1) {
      // The map is drawn again when somebody has moved by a step, not sixty times a second.
      clearTimeout(this.#due);
      this.#due = setTimeout(() => map.triggerRepaint(), this.#glide / this.#steps);
    }
  }

  #paintPictures({ gl, pictures }: Drawing): void {
    for (const [name, texture] of [["vehicle", pictures.now], ["vehicle-old", pictures.old]] as const) {
      const image = draw(name, this.#token, "");
      if (!image) continue;
      gl.bindTexture(gl.TEXTURE_2D, texture);
      gl.pixelStorei(gl.UNPACK_FLIP_Y_WEBGL, false);
      gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, true);
      gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, gl.RGBA, gl.UNSIGNED_BYTE, image);
      gl.generateMipmap(gl.TEXTURE_2D);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.LINEAR_MIPMAP_LINEAR);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_S, gl.CLAMP_TO_EDGE);
      gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_WRAP_T, gl.CLAMP_TO_EDGE);
    }
    gl.pixelStorei(gl.UNPACK_PREMULTIPLY_ALPHA_WEBGL, false);
    const hex = this.#token("vehicle").slice(1);
    this.#dotColour = [0, 2, 4].map((at) => Number.parseInt(hex.slice(at, at + 2), 16) / 255) as [number, number, number];
  }
}

/** Times the picture's size: as the junctions' signs grow. */
function sizeAt(zoom: number): number {
  if (zoom <= 13) return 0.7 + (0.3 * Math.max(0, zoom - 11.5)) / 1.5;
  return Math.min(1.5, 1 + (zoom - 13) / 6);
}

/** The matrix for places counted from `origin`: put together in double precision, handed over in single. */
function moved(matrix: ArrayLike<number>, [x, y]: readonly [number, number]): Float32Array {
  const out = Float32Array.from(matrix);
  for (let row = 0; row < 4; row += 1) out[12 + row] = (matrix[row] ?? 0) * x + (matrix[4 + row] ?? 0) * y + (matrix[12 + row] ?? 0);
  return out;
}

function build(gl: WebGL2RenderingContext): WebGLProgram {
  const program = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]] as const) {
    const shader = gl.createShader(kind);
    if (!shader) throw new Error("the graphics context is lost");
    gl.shaderSource(shader, text);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) ?? "the vehicles' shader");
  return program;
}

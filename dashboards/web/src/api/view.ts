// What the centre's API says: the TypeScript face of `controller/src/api/view.rs`, whose comments are the contract.
// Times are milliseconds since the epoch, durations seconds, speeds km/h, places [lon, lat]; null means "not known".

import type { ForecastError } from "./forecast";
import type { Feature, LineString } from "geojson";

export interface Name { local: string; en: string }
export type LonLat = [number, number];

export interface Health {
  status: string;
  version: string;
  now: number;
  clock_speed: number;
  time_zone: string;
  city: { name: Name; centre: LonLat; zoom: number; bounds: [LonLat, LonLat] };
  junctions: { total: number; online: number; matching: number; by_mode: Record<string, number> };
  data_age_s: { median: number | null; p95: number | null };
  broker: { state: string; since: number; detail: string };
  store: { kind: string; state: string; written: number; waiting: number; dropped: number };
  speed_index: number | null;
  speed_base: { year: number; index: number } | null;
  speed_history: [number, number][];
  corridors: { name: Name; speed_kmh: number | null; free_kmh: number }[];
  rejected: Record<string, number>;
}

export interface LinkProperties {
  id: string;
  class: string;
  name: string | null;
  name_en: string | null;
  lanes: number;
  free_kmh: number;
  bridge: boolean;
  tunnel: boolean;
}

/** `/api/v1/tiles`: TileJSON, and how many of each thing there are. */
export interface MapInfo {
  tiles: string[];
  minzoom: number;
  maxzoom: number;
  counts: { links: number; lines: number; stops: number; detectors: number; corridors: number };
}
/** A link by itself, as `/api/v1/map/links/{id}` has it. */
export type MapLink = Feature<LineString, LinkProperties>;
/** A street of `/api/v1/streets`. */
export interface Street { name: Name; bounds: [LonLat, LonLat]; at: LonLat }

export interface JunctionState {
  id: string;
  kind: string;
  wanted: string;
  actual: string;
  rung_reason: string;
  stage_wanted: number | null;
  stage: number | null;
  interstage: boolean;
  plan: number | null;
  draft: number | null;
  seen_at: number | null;
  late: boolean;
  matches: boolean;
  hold: boolean;
  alarm: number | null;
}

export interface JunctionSummary { id: string; name: Name; district: string; at: LonLat; state: JunctionState }
export interface Junctions { now: number; junctions: JunctionSummary[] }

export interface Change { at: number; earliest: number; latest: number }

export interface Group {
  number: number;
  kind: string;
  name: Name;
  lamp: string | null;
  since: number | null;
  min_green_s: number;
  flashing_green_s: number;
  amber_s: number;
  next_change: Change | null;
}

export interface Stage { number: number; green: number[]; permissive: number[] }
export interface Plan { number: number; name: Name; cycle_s: number; offset_s: number; steps: [number, number][] }

export interface Detector {
  channel: number;
  kind: string;
  groups: number[];
  lane: number | null;
  distance_m: number;
  state: string;
  count_1m: number | null;
  occupancy_1m: number | null;
  queue: number | null;
  vehicles: number | null;
  seen_at: number | null;
}

export type Metres = [number, number];

export interface LaneDrawing {
  link: string;
  name: Name;
  inbound: boolean;
  line: Metres[];
  width_m: number;
  groups: number[];
  turns: string[];
}

export interface MovementDrawing { from: number; to: number; group: number | null; turn: string; line: Metres[] }
export interface Drawing { lanes: LaneDrawing[]; movements: MovementDrawing[] }

export interface Alternative { stage: number; chosen: boolean; score: number | null; unit: string; refused: string }

export interface Decision {
  number: number;
  junction: string;
  at: number;
  kind: string;
  stage: number;
  before: number;
  reason: string;
  facts: Record<string, number>;
  alternatives: Alternative[];
  limits: string[];
}

export interface LampChange { at: number; group: number; lamp: string }
export interface Forecast { stage: number; begins: Change; ends: Change }

export interface Command {
  id: string;
  junction: string;
  what: string;
  value: string;
  who: string;
  reason: string;
  since: number;
  until: number;
  state: string;
  detail: string;
}

export interface Alarm {
  id: string;
  junction: string | null;
  name: Name;
  code: string;
  component: string;
  priority: number;
  since: number;
  done: string;
  message: string;
}

export interface JunctionDetail extends JunctionSummary {
  now: number;
  groups: Group[];
  stages: Stage[];
  intergreens: [number, number, number][];
  plans: Plan[];
  cycle_s: number | null;
  base_cycle_s: number | null;
  detectors: Detector[];
  drawing?: Drawing;
  decision: Decision | null;
  history: LampChange[];
  forecast: Forecast[];
  commands: Command[];
  alarms: Alarm[];
}

export interface Link {
  ix: number;
  id: string;
  speed_kmh: number | null;
  travel_time_s: number | null;
  los: string | null;
}
export interface Links { at: number; links: Link[] }

export interface Vehicle { id: string; line: string | null; at: LonLat; heading: number; speed_kmh: number; seen_at: number }
export interface Vehicles { now: number; vehicles: Vehicle[] }

/** Exactly one of `kind`, `stage`, `plan`, `flash` is given. */
export interface ControlRequest {
  kind?: string;
  stage?: number;
  plan?: number;
  flash?: boolean;
  confirm?: string;
  /** Only where nobody signs in. */
  who?: string;
  reason: string;
  expires_in_s: number;
}

export interface Problem { type: string; title: string; status: number; detail: string }

export interface Person { login: string; name: string; role: string; districts: string[] | null }
export interface Session { open: boolean; anybody_may_view: boolean; provider: string | null; person: Person | null; csrf: string | null; left_s: number | null }
/** A camera that people look through; its picture is at `/api/v1/cameras/{id}/picture`. */
export interface Camera { id: string; name: Name; at: LonLat; heading: number | null; junction: string | null; picture: boolean; stream: string | null; state: string; seen_at: number | null }
export interface Proposal { id: string; login: string; command: Command; left_s: number }
export interface Proposals { proposals: Proposal[] }
export interface AuditLine { number: number; at: number; entry: string; hash: string }
export interface AuditLines { lines: AuditLine[]; total: number; next: number | null }
export interface AuditCheck { lines: number; hash: string; broken: number | null }

export interface CorridorSummary { id: string; name: Name; junctions: number; length_m: number; both_ways: boolean }
export interface Band { begins_s: number; lasts_s: number }
export interface CorridorStop {
  junction: string;
  name: Name;
  district: string;
  at_m: number;
  planned_offset_s: number;
  offset_s: number;
  groups: number[];
  groups_back: number[];
  green: [number, number] | null;
  green_back: [number, number] | null;
  along_s: number;
  along_back_s: number | null;
  front_s: number | null;
  front_back_s: number | null;
  steps: [number, number][];
}
export interface CorridorDetail extends CorridorSummary {
  now: number;
  cycle_s: number;
  stops: CorridorStop[];
  band: Band;
  band_back: Band | null;
  no_wave: string;
}
export interface TimeSpread { slots: number; mean_s: number; p5_s: number; p15_s: number; p50_s: number; p85_s: number; p95_s: number }
export interface TravelTimes extends CorridorSummary {
  back: boolean;
  from: number;
  to: number;
  time_zone: string;
  way_m: number;
  free_s: number;
  spread: TimeSpread | null;
  travel_time_index: number | null;
  planning_time_index: number | null;
  buffer_index: number | null;
  level_of_service: string | null;
  hours: (TimeSpread & { hour: number })[];
  days: (TimeSpread & { day: string })[];
  histogram: { from_s: number; to_s: number; slots: number }[];
  ahead: { from: number; time_s: number; learned: boolean }[];
  errors: ForecastError[];
}
/** Of arrivals: how many, how many of them on green, and how many there would be. */
export interface PivotHits { arrivals: number; on_green: number; would_be: number }
export interface LinkPivot extends CorridorSummary {
  from: number;
  to: number;
  cycle_s: number;
  links: { from: string; to: string; shift_s: number; offset_by_s: number; out: PivotHits; back: PivotHits }[];
}
export interface CorridorLamps { from: number; to: number; stops: { junction: string; out: [number, string][]; back: [number, string][] }[] }

export interface Spread { mean: number; sd: number; low: number; high: number }
export interface WhatIf {
  id: string;
  state: string;
  done: number;
  before: number | null;
  failure: string | null;
  detail: string;
  minutes: number;
  seeds: number;
  result: { measures: { measure: string; base: Spread; trial: Spread; difference: Spread; verdict: string }[] } | null;
}
export interface WhatIfRequest {
  changes: { junctions: string[]; plan?: { cycle_s: number; offset_s: number; steps: [number, number][] }; kind?: string }[];
  minutes: number;
  seeds: number;
  who?: string;
  reason: string;
}

export interface StoredEvents { events: [number, number, number][]; truncated: boolean }
export interface StoredDecisions { decisions: Decision[]; truncated: boolean }

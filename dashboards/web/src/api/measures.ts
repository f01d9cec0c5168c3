// Measures of a junction: the TypeScript face of `controller/src/api/view/measures.rs`, whose comments are the contract.
// Times are milliseconds since the epoch.

import { ask } from "./client";

export type ColumnKind = "time" | "group" | "channel" | "number" | "label" | "word" | "flag";
export interface Column { name: string; kind: ColumnKind; unit: string }

export interface Measure {
  name: string;
  title: string;
  about: string;
  source: string;
  rows: "bins" | "quarters" | "happenings" | "sums";
  detector: "presence" | "advance" | "yellow_red" | null;
  told: string;
  columns: Column[];
}

export interface ChartInfo { name: string; title: string; ordinate: string; unit: string; measures: string[] }

export interface Measures {
  measures: Measure[];
  charts: ChartInfo[];
  options: {
    bin_min: [number, number];
    usual_bin_min: number;
    longest_range_s: number;
    usual_range_s: number;
    most_rows: number;
    most_events: number;
    time_zone: string;
  };
}

export interface JunctionMeasures {
  junction: string;
  detectors: { channel: number; group: number; function: "presence" | "advance" | "yellow_red" | "ped_button" }[];
  available: string[];
  unavailable: string[];
}

/** What was looked at for an answer. */
export interface Looked {
  junction: string;
  from: number;
  to: number;
  bin_min: number;
  time_zone: string;
  utc_offset_s: number;
  events: number;
}

export type Cell = number | string | boolean | null;

export interface MeasureTable extends Looked {
  measure: string;
  total: number;
  offset: number;
  next: number | null;
  columns: (Column & { values: Cell[] })[];
}

export interface Series {
  key: string;
  group: number | null;
  channel: number | null;
  mark: "dots" | "steps" | "bars";
  x: number[];
  y: number[];
}

/** A picture, ready to draw: series in this order, time along the abscissa. */
export interface Chart extends ChartInfo, Looked { series: Series[] }

/** What a change did: days of one name side by side. */
export interface Comparison {
  junction: string;
  measure: string;
  column: string;
  unit: string;
  bin_min: number;
  time_zone: string;
  before: number;
  after: number;
  difference: number;
  /** Half the 95 % interval of the difference; null for one pair of days. */
  half_width: number | null;
  significant: boolean;
  left_out: number;
  pairs: { before: string; after: string; bins: number; mean_before: number; mean_after: number }[];
}

/** Which days, ms since the epoch, and which part of each, minutes after midnight. */
export interface WhichDays {
  column?: string;
  before_from: number;
  before_to: number;
  after_from: number;
  after_to: number;
  from_minute?: number;
  to_minute?: number;
  bin_min?: number;
  tz?: string;
  group?: number;
}

/** What to look at, and how; the centre says what holds where something is left out. */
export interface Which {
  from?: number;
  to?: number;
  bin_min?: number;
  tz?: string;
  group?: number;
  offset?: number;
  limit?: number;
}

function query(which: (Which & { format?: "csv" }) | WhichDays): string {
  const pairs = Object.entries(which).filter(([, value]) => value !== undefined);
  return pairs.length === 0 ? "" : `?${new URLSearchParams(pairs.map(([key, value]) => [key, String(value)]))}`;
}

const at = (junction: string) => `/api/v1/junctions/${encodeURIComponent(junction)}`;

export const measures = () => ask<Measures>("/api/v1/measures");
export const junctionMeasures = (junction: string) => ask<JunctionMeasures>(`${at(junction)}/measures`);
export const measure = (junction: string, name: string, which: Which = {}) =>
  ask<MeasureTable>(`${at(junction)}/measures/${name}${query(which)}`);
export const chart = (junction: string, name: string, which: Omit<Which, "offset" | "limit"> = {}) =>
  ask<Chart>(`${at(junction)}/charts/${name}${query(which)}`);
export const comparison = (junction: string, name: string, which: WhichDays) =>
  ask<Comparison>(`${at(junction)}/comparison/${name}${query(which)}`);
/** Where the table is to be had as CSV. */
export const measureCsv = (junction: string, name: string, which: Which = {}) =>
  `${at(junction)}/measures/${name}${query({ ...which, format: "csv" })}`;

// Volumes of the next hour: the TypeScript face of `controller/src/api/view/forecast.rs`, whose comments are the contract.

import { ask } from "./client";

/** How far forecasts were off lately, vehicles an hour; null where there was none. */
export interface ForecastError {
  ahead_min: number;
  count: number;
  forecast: number | null;
  last_value: number | null;
  usual: number | null;
}

export interface ForecastQuality { slot_s: number; junctions: number; errors: ForecastError[] }

export interface VolumeForecasts {
  junction: string;
  from: number | null;
  slot_s: number;
  detectors: {
    channel: number;
    groups: number[];
    ahead: { from: number; to: number; flow_h: number; learned: boolean }[];
    errors: ForecastError[];
  }[];
}

export const forecastQuality = () => ask<ForecastQuality>("/api/v1/forecast");
export const volumeForecast = (junction: string) =>
  ask<VolumeForecasts>(`/api/v1/junctions/${encodeURIComponent(junction)}/forecast`);

/** `/api/v1/speed-index/ahead`: the next half hour of the city's speed index. */
export interface IndexAhead { learned: boolean; points: { at: number; index: number; low: number | null; high: number | null }[] }
export const indexAhead = () => ask<IndexAhead>("/api/v1/speed-index/ahead");

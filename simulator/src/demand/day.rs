//! The course of a working day in Moscow.

/// Vehicles on the road by the hour of the day, as a share of the most: two peaks, a long evening, a short night.
const BY_HOUR: [f64; 24] = [
    0.22, 0.15, 0.11, 0.09, 0.11, 0.22, 0.50, 0.83, 1.00, 0.97, 0.90, 0.87, //
    0.86, 0.86, 0.88, 0.91, 0.95, 0.99, 1.00, 0.94, 0.78, 0.61, 0.46, 0.32,
];

const DAY_S: f64 = 86_400.0;

/// Share of the busiest time's traffic, so many seconds after midnight (of any day).
pub(super) fn share(since_midnight_s: f64) -> f64 {
    let hour = since_midnight_s.rem_euclid(DAY_S) / 3600.0;
    // Each figure stands for the middle of its hour.
    let from_middle = (hour - 0.5).rem_euclid(24.0);
    let (i, t) = (from_middle.floor() as usize % 24, from_middle.fract());
    BY_HOUR[i] + (BY_HOUR[(i + 1) % 24] - BY_HOUR[i]) * t
}

/// Share of those who cross the city's border that come in: more in the morning, fewer in the evening.
pub(super) fn inbound(since_midnight_s: f64) -> f64 {
    let hour = since_midnight_s.rem_euclid(DAY_S) / 3600.0;
    match hour {
        h if h < 6.0 => 0.5,
        h if h < 11.0 => 0.6,
        h if h < 16.0 => 0.5,
        h if h < 21.0 => 0.42,
        _ => 0.46,
    }
}

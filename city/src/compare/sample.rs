//! What a handful of seeds tells of the mean.

use serde::Serialize;
use statrs::distribution::{ContinuousCDF, StudentsT};

/// A mean with its 95 % confidence interval.
#[derive(Clone, Copy, PartialEq, Debug, Serialize)]
pub(crate) struct Estimate {
    /// Mean of the sample.
    pub(crate) mean: f64,
    /// The interval is `mean ± half_width`; a sample of one has none.
    pub(crate) half_width: Option<f64>,
    /// How many seeds.
    pub(crate) seeds: usize,
}

impl Estimate {
    /// Of one value per seed, assumed to be drawn independently from a normal distribution. `None` of nothing.
    pub(crate) fn of(values: &[f64]) -> Option<Estimate> {
        let n = values.len();
        if n == 0 {
            return None;
        }
        let mean = values.iter().sum::<f64>() / n as f64;
        let half_width = (n > 1).then(|| {
            let student = StudentsT::new(0.0, 1.0, (n - 1) as f64);
            let t = student.map_or(f64::INFINITY, |t| t.inverse_cdf(0.975));
            t * standard_deviation(values) / (n as f64).sqrt()
        });
        Some(Estimate { mean, half_width, seeds: n })
    }

    /// As people read it: `13.5 ± 0.4`.
    pub(crate) fn text(&self, decimals: usize) -> String {
        match self.half_width {
            Some(half) => format!("{:.decimals$} ± {half:.decimals$}", self.mean),
            None => format!("{:.decimals$}", self.mean),
        }
    }
}

/// Of a sample, about its own mean; zero of fewer than two.
pub(crate) fn standard_deviation(values: &[f64]) -> f64 {
    let n = values.len();
    if n < 2 {
        return 0.0;
    }
    let mean = values.iter().sum::<f64>() / n as f64;
    let squares: f64 = values.iter().map(|v| (v - mean).powi(2)).sum();
    (squares / (n - 1) as f64).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(values: &[f64], expected: &str) {
        assert_eq!(Estimate::of(values).expect("a sample").text(2), expected);
    }

    #[test]
    fn intervals_are_those_of_a_textbook() {
        // s = 1.5811, t(4) = 2.776: 2.776 * 1.5811 / sqrt(5) = 1.963.
        check(&[1.0, 2.0, 3.0, 4.0, 5.0], "3.00 ± 1.96");
        check(&[10.0, 12.0], "11.00 ± 12.71");
        check(&[4.0, 4.0, 4.0], "4.00 ± 0.00");
        check(&(0..100).map(f64::from).collect::<Vec<_>>(), "49.50 ± 5.76");
    }

    #[test]
    fn one_seed_has_a_value_and_no_interval() {
        check(&[7.0], "7.00");
        assert_eq!(Estimate::of(&[]), None);
    }
}

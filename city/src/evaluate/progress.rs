//! How far a long run is: one line that moves on a terminal, nothing in a pipe.

use std::io::{IsTerminal, Write};

/// The line.
pub(super) struct Progress {
    begin_s: f64,
    end_s: Option<f64>,
    terminal: bool,
    last_minute: i64,
}

impl Progress {
    pub(super) fn new(begin_s: f64, end_s: Option<f64>) -> Progress {
        Progress { begin_s, end_s, terminal: std::io::stderr().is_terminal(), last_minute: -1 }
    }

    /// Shows the time that the run has come to, once a simulated minute.
    pub(super) fn show(&mut self, now_s: f64) {
        let minute = ((now_s - self.begin_s) / 60.0) as i64;
        if !self.terminal || minute == self.last_minute {
            return;
        }
        self.last_minute = minute;
        let of = self.end_s.map_or(String::new(), |end| format!(" of {:.0}", (end - self.begin_s) / 60.0));
        let _ = write!(std::io::stderr(), "\rminute {minute}{of} ");
        let _ = std::io::stderr().flush();
    }

    /// Takes the line away.
    pub(super) fn done(&self) {
        if self.terminal {
            let _ = write!(std::io::stderr(), "\r\x1b[K");
        }
    }
}

//! What a junction's detectors feel, drawn: vehicles come and go, and detectors stick and chatter.

use model::time::Moment;
use simulator::signals::{Felt, Sensed};

/// The detectors of one junction.
#[derive(Debug)]
pub(super) struct Street {
    felt: Felt,
    second: i64,
    /// The channel that is broken, and whether it chatters rather than sticks.
    worn: Option<(usize, bool)>,
}

impl Street {
    pub(super) fn new(channels: usize) -> Street {
        let felt = Felt { channels: vec![Sensed::default(); channels], sightings: Vec::new() };
        Street { felt, second: 0, worn: None }
    }

    /// What is felt now.
    pub(super) fn feel(&mut self, now: Moment, step_ms: i64, rng: &mut fastrand::Rng) -> &Felt {
        let second = now.0 / 1000;
        let whole = std::mem::replace(&mut self.second, second) != second;
        for (i, channel) in self.felt.channels.iter_mut().enumerate() {
            if channel.occupied {
                channel.covered = channel.covered.wrapping_add((step_ms / 100) as u16);
            }
            match self.worn {
                Some((worn, chatters)) if worn == i => {
                    channel.occupied = !chatters || rng.bool();
                    channel.count = channel.count.wrapping_add(if chatters { 2 } else { 0 });
                }
                _ if whole && rng.u8(0..8) == 0 => {
                    channel.occupied = !channel.occupied;
                    channel.count = channel.count.wrapping_add(u16::from(channel.occupied));
                }
                _ => {}
            }
        }
        &self.felt
    }

    /// A detector breaks.
    pub(super) fn wear(&mut self, rng: &mut fastrand::Rng, chatters: bool) {
        let channels = self.felt.channels.len();
        self.worn = (channels > 0).then(|| (rng.usize(0..channels), chatters));
    }

    /// It works again.
    pub(super) fn mend(&mut self) {
        self.worn = None;
    }
}

//! Segments that a centre has all of, kept for as long as there is room: for a centre that loses its store, or was never told.

use std::{
    collections::VecDeque,
    fs, io,
    path::{Path, PathBuf},
};

/// How the name of such a segment ends.
pub(super) const KEPT: &str = "kept";

/// The segments, oldest first.
#[derive(Debug)]
pub(super) struct Shelf {
    most_bytes: u64,
    segments: VecDeque<Kept>,
}

#[derive(Debug)]
struct Kept {
    number: u64,
    path: PathBuf,
    bytes: u64,
}

impl Shelf {
    pub(super) fn new(most_bytes: u64) -> Shelf {
        Shelf { most_bytes, segments: VecDeque::new() }
    }

    /// Takes in what an earlier run kept; in the order of their numbers.
    pub(super) fn adopt(&mut self, number: u64, path: PathBuf) {
        let bytes = fs::metadata(&path).map_or(0, |m| m.len());
        self.segments.push_back(Kept { number, path, bytes });
        self.trim();
    }

    /// Takes a segment that nobody needs to send any more.
    pub(super) fn put(&mut self, number: u64, path: &Path, bytes: u64) -> io::Result<()> {
        if bytes > self.most_bytes {
            return fs::remove_file(path);
        }
        let kept = path.with_extension(KEPT);
        fs::rename(path, &kept)?;
        self.segments.push_back(Kept { number, path: kept, bytes });
        self.trim();
        Ok(())
    }

    fn trim(&mut self) {
        while self.segments.iter().map(|s| s.bytes).sum::<u64>() > self.most_bytes && self.give_up_oldest() {}
    }

    /// Makes room; says whether there was anything to give up.
    pub(super) fn give_up_oldest(&mut self) -> bool {
        let Some(oldest) = self.segments.pop_front() else { return false };
        if let Err(error) = fs::remove_file(&oldest.path) {
            tracing::warn!(file = %oldest.path.display(), %error, "a kept segment cannot be removed");
        }
        true
    }

    /// The first segment with that number or a later one.
    pub(super) fn from(&self, number: u64) -> Option<(u64, &Path)> {
        self.segments.iter().find(|s| s.number >= number).map(|s| (s.number, s.path.as_path()))
    }
}

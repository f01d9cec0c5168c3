//! Files as commands take them: named, read whole, and their readers' words passed on.

use super::Failure;
use model::config::{Complaints, Read, Source};
use std::path::Path;

/// A file's name and text.
pub(super) struct Text {
    name: String,
    text: String,
}

impl Text {
    pub(super) fn read(path: impl AsRef<Path>) -> Result<Text, Failure> {
        let path = path.as_ref();
        let name = path.display().to_string();
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(error) => return Err(Failure::Input(vec![format!("{name}: could not be read: {error}")])),
        };
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Text { name, text }),
            Err(error) => {
                let at = error.utf8_error().valid_up_to();
                let line = 1 + error.as_bytes()[..at].iter().filter(|b| **b == b'\n').count();
                Err(Failure::Input(vec![format!("{name}:{line}: this is not UTF-8 text")]))
            }
        }
    }

    pub(super) fn source(&self) -> Source<'_> {
        Source::new(&self.name, &self.text)
    }
}

/// Says what a reader noted, and turns its complaints into a failure.
pub(super) fn heard<T>(read: Result<Read<T>, Complaints>) -> Result<T, Failure> {
    match read {
        Ok(read) => {
            read.notes.iter().for_each(|note| say(&note.to_string()));
            Ok(read.value)
        }
        Err(complaints) => Err(Failure::Input(complaints.0.iter().map(ToString::to_string).collect())),
    }
}

#[expect(clippy::print_stderr, reason = "notes for the person at the terminal")]
pub(super) fn say(line: &str) {
    eprintln!("simulator: {line}");
}

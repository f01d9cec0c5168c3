//! From a text and its file name to a checked value, or a list of complaints with line numbers.
//!
//! Nothing here opens a file: reading it, and putting the program's name before each complaint, is the
//! caller's part. A loader gathers what it can before it gives up, so that one bad line does not hide the
//! next (STYLE §5).

use serde::de::DeserializeOwned;
use serde_spanned::Spanned;
use std::{fmt, ops::Range};

/// A text, and what to call it in messages.
#[derive(Clone, Copy, Debug)]
pub struct Source<'a> {
    /// The file's name, as the person typed it.
    pub file: &'a str,
    /// What stands in it.
    pub text: &'a str,
}

impl<'a> Source<'a> {
    /// A text under its file's name.
    pub fn new(file: &'a str, text: &'a str) -> Self {
        Self { file, text }
    }
}

/// One thing that is wrong with a file, and where.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Complaint {
    /// The file's name.
    pub file: String,
    /// The line, counted from 1; `None` when it is about the file as a whole.
    pub line: Option<u32>,
    /// What is wrong: lower case, no full stop.
    pub message: String,
}

impl Complaint {
    /// About one line of a file.
    pub fn at(file: impl Into<String>, line: u32, message: impl Into<String>) -> Self {
        Self { file: file.into(), line: Some(line), message: one_line(message.into()) }
    }
    /// About a file as a whole.
    pub fn whole(file: impl Into<String>, message: impl Into<String>) -> Self {
        Self { file: file.into(), line: None, message: one_line(message.into()) }
    }
    /// About the place in `source` that begins at a byte offset.
    pub fn offset(source: Source<'_>, offset: usize, message: impl Into<String>) -> Self {
        Self::at(source.file, line_of(source.text, offset), message)
    }
    /// About a TOML value that remembers where it stood.
    pub fn spanned<T>(source: Source<'_>, value: &Spanned<T>, message: impl Into<String>) -> Self {
        Self::offset(source, value.span().start, message)
    }
}

/// A message may quote a file, and a file may hold anything: line ends and bells stay out of logs and terminals.
fn one_line(message: String) -> String {
    if message.contains(char::is_control) { message.replace(char::is_control, "\u{FFFD}") } else { message }
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(f, "{}:{line}: {}", self.file, self.message),
            None => write!(f, "{}: {}", self.file, self.message),
        }
    }
}

/// All complaints about one or several files, one a line. Never empty when returned as an error.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Complaints(pub Vec<Complaint>);

impl Complaints {
    /// `Ok(value)` if there is nothing to complain of.
    pub fn or<T>(self, value: T) -> Result<T, Complaints> {
        if self.0.is_empty() { Ok(value) } else { Err(self) }
    }
    /// Adds one.
    pub fn push(&mut self, complaint: Complaint) {
        self.0.push(complaint);
    }
    /// Keeps a result's value, or its complaint.
    pub fn take<T>(&mut self, result: Result<T, Complaint>) -> Option<T> {
        result.map_err(|complaint| self.push(complaint)).ok()
    }
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Complaint> for Complaints {
    fn from(one: Complaint) -> Self {
        Self(vec![one])
    }
}

impl Extend<Complaint> for Complaints {
    fn extend<I: IntoIterator<Item = Complaint>>(&mut self, more: I) {
        self.0.extend(more);
    }
}

impl fmt::Display for Complaints {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, complaint) in self.0.iter().enumerate() {
            if i > 0 {
                writeln!(f)?;
            }
            write!(f, "{complaint}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Complaints {}

/// A value that was read, and what its reader would like to mention: parts left out, values assumed.
#[derive(Clone, PartialEq, Debug)]
pub struct Read<T> {
    /// The value.
    pub value: T,
    /// Things that somebody should know, but that stop nothing.
    pub notes: Vec<Complaint>,
}

/// The line on which a byte offset stands, from 1. An offset beyond the end is on the last line.
pub fn line_of(text: &str, offset: usize) -> u32 {
    let before = &text.as_bytes()[..offset.min(text.len())];
    1 + before.iter().filter(|&&b| b == b'\n').count() as u32
}

/// Line numbers of many offsets in one text, in logarithmic time each.
#[derive(Clone, Debug)]
pub struct Lines(Vec<usize>);

impl Lines {
    /// Finds all line ends once.
    pub fn of(text: &str) -> Lines {
        Lines(text.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(i, _)| i).collect())
    }
    /// The line of an offset, from 1.
    pub fn line(&self, offset: usize) -> u32 {
        1 + self.0.partition_point(|&end| end < offset) as u32
    }
}

/// Reads a TOML text into `T`. A syntax error, a missing or an unknown key becomes a complaint at its line.
pub fn parse<T: DeserializeOwned>(file: &str, text: &str) -> Result<T, Complaints> {
    toml::from_str(text).map_err(|error| {
        let message = error.message().trim().replace('\n', ", ");
        // Toml points at the very first byte when a top-level key is missing; "line 1" would mislead there.
        let missing = |span: &Range<usize>| span.start == 0 && message.starts_with("missing field");
        match error.span() {
            Some(span) if !missing(&span) => Complaint::at(file, line_of(text, span.start), message).into(),
            _ => Complaint::whole(file, message).into(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Deserialize, Debug)]
    #[serde(deny_unknown_fields)]
    struct Cabinet {
        #[allow(dead_code)]
        id: String,
        split_s: Spanned<u32>,
    }

    #[track_caller]
    fn check(text: &str, expected: &str) {
        let error = parse::<Cabinet>("cabinet.toml", text).expect_err("the text is broken");
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn complaints_name_the_line() {
        check("id = \"a\"\nsplit_s = \"x\"\n", "cabinet.toml:2: invalid type: string \"x\", expected u32");
        check(
            "id = \"a\"\nsplit_s = 3\n\nspilt = 3\n",
            "cabinet.toml:4: unknown field `spilt`, expected `id` or `split_s`",
        );
        check("id = \"a\"\n", "cabinet.toml: missing field `split_s`");
        check("id = \"a\"\nsplit_s = = 3", "cabinet.toml:2: extra `=`, expected nothing");
    }

    #[test]
    fn a_spanned_value_knows_its_line() {
        let source = Source::new("cabinet.toml", "id = \"a\"\n# two\nsplit_s = 20\n");
        let cabinet: Cabinet = parse(source.file, source.text).unwrap();
        let complaint = Complaint::spanned(source, &cabinet.split_s, "split_s = 20 is too short");
        assert_eq!(complaint.to_string(), "cabinet.toml:3: split_s = 20 is too short");
    }

    #[test]
    fn a_complaint_is_one_line_whatever_it_quotes() {
        assert_eq!(Complaint::at("a", 1, "not \n but \u{7}").to_string(), "a:1: not \u{FFFD} but \u{FFFD}");
    }

    #[test]
    fn lines_agree_with_line_of() {
        let text = "a\n\nb\nc";
        let lines = Lines::of(text);
        for offset in 0..text.len() {
            assert_eq!(lines.line(offset), line_of(text, offset), "offset {offset}");
        }
    }
}

//! What was wrong with a feed, and what was done about it.

use std::{collections::BTreeMap, fmt};

/// Faults of one kind that are kept with line and record. The rest of the kind is counted: a feed with a wrong
/// column has the same fault in each of a million rows, and nobody reads the second thousand.
pub const KEPT_PER_KIND: usize = 1000;

/// What was done about a fault.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Remedy {
    /// The row, or what it says, is not used.
    LeftOut,
    /// A value was put in place of the faulty one: which one.
    Repaired(&'static str),
}

impl fmt::Display for Remedy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Remedy::LeftOut => f.write_str("left out"),
            Remedy::Repaired(how) => f.write_str(how),
        }
    }
}

/// One kind of fault: in which table, and what is wrong.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct Kind {
    /// Feed and table, such as `stcp/stops.txt`.
    pub file: String,
    /// What is wrong, as a sentence without its subject: `has no coordinates`.
    pub fault: &'static str,
    /// What was done.
    pub remedy: Remedy,
}

/// Where faults of one kind stand.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Places {
    /// How many there are.
    pub count: u64,
    /// Line and record of the first [`KEPT_PER_KIND`]; the line is 0 when it is about the table as a whole.
    pub first: Vec<(u64, String)>,
}

/// All faults found, by kind.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Report {
    kinds: BTreeMap<Kind, Places>,
}

impl Report {
    /// Remembers a fault. `record` names the row in the feed's own words.
    pub fn add(
        &mut self,
        file: &str,
        line: u64,
        record: impl Into<String>,
        fault: &'static str,
        remedy: Remedy,
    ) {
        let places = self.kinds.entry(Kind { file: file.to_string(), fault, remedy }).or_default();
        places.count += 1;
        if places.first.len() < KEPT_PER_KIND {
            places.first.push((line, record.into()));
        }
    }

    /// Kinds in order of file and fault.
    pub fn kinds(&self) -> impl Iterator<Item = (&Kind, &Places)> {
        self.kinds.iter()
    }

    /// How many faults there are altogether.
    pub fn count(&self) -> u64 {
        self.kinds.values().map(|places| places.count).sum()
    }

    /// The report as a person reads it, with at most `per_kind` lines for faults of one kind.
    pub fn lines(&self, per_kind: usize) -> Vec<String> {
        let mut lines = Vec::new();
        for (Kind { file, fault, remedy }, places) in &self.kinds {
            for (line, record) in places.first.iter().take(per_kind) {
                let at = if *line > 0 { format!("{file}:{line}") } else { file.clone() };
                let record = if record.is_empty() { String::new() } else { format!("{record} ") };
                lines.push(format!("{at}: {record}{fault}: {remedy}"));
            }
            let more = places.count - places.first.len().min(per_kind) as u64;
            if more > 0 {
                lines.push(format!("{file}: {more} more where it {fault}: {remedy}"));
            }
        }
        lines
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lines(KEPT_PER_KIND).iter().try_for_each(|line| writeln!(f, "{line}"))
    }
}

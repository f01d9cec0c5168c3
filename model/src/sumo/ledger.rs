//! What a reader leaves out: counted by name, told once, with the first line. Nothing is dropped in silence.

use super::xml::Element;
use crate::config::Complaint;
use std::collections::BTreeMap;

/// Attributes that are only for the eye, or that name things; leaving them out changes no traffic.
const HARMLESS: [&str; 13] = [
    "id",
    "color",
    "name",
    "guiShape",
    "imgFile",
    "osgFile",
    "customShape",
    "customLength",
    "noNamespaceSchemaLocation",
    "xsi:noNamespaceSchemaLocation",
    "guiWidth",
    "guiHeight",
    "guiOffset",
];

/// A thing that was left out, however often.
struct Tally {
    first: Complaint,
    count: usize,
}

/// Everything that was left out of one or several files.
#[derive(Default)]
pub(super) struct Ledger(BTreeMap<(String, String), Tally>);

impl Ledger {
    /// Counts something that is left out under `what`; the note keeps the first line.
    pub(super) fn leave_out(&mut self, e: Element<'_>, what: impl Into<String>) {
        let what = what.into();
        let entry = self.0.entry((e.file().to_string(), what.clone()));
        entry.or_insert_with(|| Tally { first: e.complaint(what), count: 0 }).count += 1;
    }

    /// Counts the attributes of an element that its reader does not know.
    pub(super) fn attributes(&mut self, e: Element<'_>, followed: &[&str]) {
        for attribute in e.attributes() {
            if !followed.contains(&attribute) && !HARMLESS.contains(&attribute) {
                self.leave_out(e, format!("{attribute} of <{}> is not followed", e.name()));
            }
        }
    }

    /// Counts the elements inside an element that its reader does not know.
    pub(super) fn children(&mut self, e: Element<'_>, followed: &[&str]) {
        for child in e.children() {
            if !followed.contains(&child.name()) && child.name() != "param" {
                self.leave_out(child, format!("<{}> in <{}> was left out", child.name(), e.name()));
            }
        }
    }

    /// A line for each thing, in the order of files and lines.
    pub(super) fn into_notes(self) -> Vec<Complaint> {
        let note = |tally: Tally| {
            let mut note = tally.first;
            if tally.count > 1 {
                note.message += &format!(" (and {} more)", tally.count - 1);
            }
            note
        };
        let mut notes: Vec<Complaint> = self.0.into_values().map(note).collect();
        notes.sort_by(|a, b| (&a.file, a.line).cmp(&(&b.file, b.line)));
        notes
    }
}

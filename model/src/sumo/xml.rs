//! XML with line numbers.

use crate::config::{Complaint, Lines, Source};
use roxmltree::{Document, Node, ParsingOptions};
use std::str::FromStr;

/// A parsed file that can say on which line an element stands.
pub(super) struct Xml<'a> {
    pub(super) file: &'a str,
    lines: Lines,
    document: Document<'a>,
}

impl<'a> Xml<'a> {
    /// Parses the whole text; the error names the line at which it stops being XML.
    pub(super) fn parse(source: Source<'a>) -> Result<Xml<'a>, Complaint> {
        // SUMO's own tools never write a DTD, and entities would let a small file grow without bound.
        let options = ParsingOptions { allow_dtd: false, ..ParsingOptions::default() };
        match Document::parse_with_options(source.text, options) {
            Ok(document) => Ok(Xml { file: source.file, lines: Lines::of(source.text), document }),
            Err(error) => {
                let text = error.to_string();
                let cause = text.split(" at ").next().unwrap_or(&text);
                Err(Complaint::at(
                    source.file,
                    error.pos().row,
                    format!("this is not well-formed XML: {cause}"),
                ))
            }
        }
    }

    /// The outermost element.
    pub(super) fn root(&self) -> Element<'_> {
        Element { xml: self, node: self.document.root_element() }
    }
}

/// One element of an [`Xml`].
#[derive(Clone, Copy)]
pub(super) struct Element<'x> {
    xml: &'x Xml<'x>,
    node: Node<'x, 'x>,
}

impl<'x> Element<'x> {
    /// Its tag.
    pub(super) fn name(self) -> &'x str {
        self.node.tag_name().name()
    }
    /// The file that it stands in.
    pub(super) fn file(self) -> &'x str {
        self.xml.file
    }
    /// Its line, from 1.
    pub(super) fn line(self) -> u32 {
        self.xml.lines.line(self.node.range().start)
    }
    /// Elements directly inside.
    pub(super) fn children(self) -> impl Iterator<Item = Element<'x>> {
        self.node.children().filter(Node::is_element).map(move |node| Element { xml: self.xml, node })
    }
    /// An attribute, if it is there.
    pub(super) fn get(self, attribute: &str) -> Option<&'x str> {
        self.node.attribute(attribute)
    }
    /// Names of its attributes, in file order.
    pub(super) fn attributes(self) -> impl Iterator<Item = &'x str> {
        self.node.attributes().map(|a| a.name())
    }
    /// A complaint about this element.
    pub(super) fn complaint(self, message: impl Into<String>) -> Complaint {
        Complaint::at(self.xml.file, self.line(), message)
    }
    /// An attribute that must be there.
    pub(super) fn text(self, attribute: &str) -> Result<&'x str, Complaint> {
        self.get(attribute).ok_or_else(|| self.complaint(format!("<{}> has no {attribute}", self.name())))
    }
    /// An attribute that must be there and must parse.
    pub(super) fn parsed<T: FromStr>(self, attribute: &str, what: &str) -> Result<T, Complaint> {
        let text = self.text(attribute)?;
        text.trim().parse().map_err(|_| {
            self.complaint(format!("{attribute} of <{}> is {text:?}, which is not {what}", self.name()))
        })
    }
    /// A finite number that must be there.
    pub(super) fn number(self, attribute: &str) -> Result<f64, Complaint> {
        self.parsed::<f64>(attribute, "a number").and_then(|v| {
            if v.is_finite() {
                Ok(v)
            } else {
                Err(self.complaint(format!(
                    "{attribute} of <{}> is {v}, which is not a finite number",
                    self.name()
                )))
            }
        })
    }
    /// A finite number, or `default` where the attribute is missing.
    pub(super) fn number_or(self, attribute: &str, default: f64) -> Result<f64, Complaint> {
        if self.get(attribute).is_some() { self.number(attribute) } else { Ok(default) }
    }
    /// A finite number above zero that must be there.
    pub(super) fn positive(self, attribute: &str) -> Result<f64, Complaint> {
        let value = self.number(attribute)?;
        if value > 0.0 {
            Ok(value)
        } else {
            Err(self.complaint(format!("{attribute} of <{}> is {value}; it must be above zero", self.name())))
        }
    }
}

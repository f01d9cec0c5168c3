//! XML files as SUMO writes them.

use model::network::Network;
use std::{
    fmt,
    fs::File,
    io::{self, BufWriter, Write},
    path::Path,
};

/// A file under way: its root is open.
#[derive(Debug)]
pub(crate) struct XmlFile {
    file: BufWriter<File>,
    root: &'static str,
}

impl XmlFile {
    /// Opens a file with its root. `schema` is the name of SUMO's own, by which editors know the attributes.
    pub(crate) fn create(path: &Path, root: &'static str, schema: &str) -> io::Result<XmlFile> {
        let named = |e: io::Error| io::Error::new(e.kind(), format!("{}: {e}", path.display()));
        let mut file = BufWriter::new(File::create(path).map_err(named)?);
        writeln!(file, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n")?;
        writeln!(
            file,
            "<{root} xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" \
             xsi:noNamespaceSchemaLocation=\"http://sumo.dlr.de/xsd/{schema}.xsd\">"
        )?;
        Ok(XmlFile { file, root })
    }

    /// Writes one line, indented so deep.
    pub(crate) fn line(&mut self, depth: usize, line: fmt::Arguments<'_>) -> io::Result<()> {
        writeln!(self.file, "{:1$}{line}", "", 4 * depth)
    }

    /// Closes the root and the file.
    pub(crate) fn finish(mut self) -> io::Result<()> {
        writeln!(self.file, "</{}>", self.root)?;
        self.file.flush()
    }
}

/// SUMO's name of a lane: the link's and the lane's number from the kerb.
pub(crate) fn lane_name(network: &Network, lane: u32) -> String {
    let link = network.link(network.lanes[lane as usize].link);
    format!("{}_{}", link.id, lane - link.lanes.start)
}

/// Text as it may stand in an attribute.
pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}

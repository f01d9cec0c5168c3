//! Where things are.

use std::path::{Path, PathBuf};

/// The repository.
pub fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("tests/ stands in the repository")
}

/// A program of ours, built beside this test by `cargo build --workspace --bins`.
pub fn ours(name: &str) -> PathBuf {
    let here = std::env::current_exe().expect("a test knows its own path");
    let folder = here.ancestors().nth(2).expect("test programs stand in target/<profile>/deps");
    let program = folder.join(name);
    assert!(
        program.is_file(),
        "{} is not built: `cargo build --workspace --bins` first, or run `cargo xtask test`",
        program.display()
    );
    program
}

/// Python with SUMO and pymodbus, as `cargo xtask tools` makes it.
pub fn python_tools() -> PathBuf {
    std::env::var_os("SVETOFOR_TOOLS").map_or_else(|| repository().join(".tools/python"), PathBuf::from)
}

/// Real scenarios, maps and logs beside the project; `None`, said loudly, where they are not.
pub fn shared() -> Option<PathBuf> {
    let folder =
        std::env::var_os("SVETOFOR_SHARED").map_or_else(|| repository().join("../shared"), PathBuf::from);
    if folder.is_dir() {
        return Some(folder);
    }
    eprintln!(
        "NOT TESTED: no real data at {}; set SVETOFOR_SHARED to the folder that has data/ and harness/",
        folder.display()
    );
    None
}

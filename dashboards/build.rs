//! Makes sure that the folder of the built app exists, so that cargo builds without Node: an absent app is
//! a page that says so, not a compile error.

use std::{env, fs, io, path::PathBuf};

fn main() -> io::Result<()> {
    let here = PathBuf::from(env::var_os("CARGO_MANIFEST_DIR").expect("cargo sets CARGO_MANIFEST_DIR"));
    let dist = here.join("web/dist");
    fs::create_dir_all(&dist)?;
    // A debug build reads the app from disk, and need not begin anew, with all that depends on it, when the app does.
    if env::var_os("PROFILE").is_some_and(|profile| profile != "debug") {
        println!("cargo::rerun-if-changed={}", dist.display());
    }
    println!("cargo::rerun-if-changed=build.rs");
    Ok(())
}

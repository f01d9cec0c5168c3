//! The agent's Debian package, as somebody would install it.

use end_to_end::{places::ours, program::run};
use std::process::Command;

#[test]
fn the_package_holds_a_program_that_runs_with_its_own_settings() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path();
    let mut make = Command::new(ours("xtask"));
    make.arg("package").arg("--binary").arg(ours("edge-agent")).arg("--out").arg(out);
    let (code, said) = run(&mut make);
    assert_eq!(code, Some(0), "{said}");
    let package = said.lines().last().unwrap().to_owned();
    assert!(package.ends_with(".deb"), "{said}");

    let (code, said) = run(Command::new("dpkg-deb").args(["--info", &package]));
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("Package: svetofor-edge-agent") && said.contains("postinst"), "{said}");
    let root = out.join("root");
    let (code, said) = run(Command::new("dpkg-deb").arg("-x").arg(&package).arg(&root));
    assert_eq!(code, Some(0), "{said}");

    let (code, said) = run(Command::new(ours("city")).arg("check").arg(root.join("etc/svetofor")));
    assert_eq!((code, said.starts_with("yes: ")), (Some(0), true), "{said}");
    let agent = root.join("usr/bin/edge-agent");
    let (code, said) = run(Command::new(&agent).arg("--help"));
    assert_eq!(code, Some(0), "{said}");
    // On a machine with nothing but the package it says what is still missing, and where it was named.
    let settings = root.join("etc/svetofor/edge-agent.toml");
    let (code, said) = run(Command::new(&agent).args(["--check", "--config"]).arg(&settings));
    assert_eq!(code, Some(64), "{said}");
    assert!(said.contains("edge-agent.toml:") && said.contains("/etc/svetofor/city.json"), "{said}");
    let bill = std::fs::read_to_string(root.join("usr/share/doc/svetofor-edge-agent/sbom.cdx.json")).unwrap();
    assert!(bill.contains("pkg:cargo/tokio-modbus@"), "{bill}");
    let unit = std::fs::read_to_string(root.join("lib/systemd/system/svetofor-edge-agent.service")).unwrap();
    assert!(unit.contains("ExecStart=/usr/bin/edge-agent --config /etc/svetofor/edge-agent.toml"));
}

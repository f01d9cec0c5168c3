//! The agent as a Debian package: one static program, its unit, its settings, its register maps.

use crate::{root, step, supply};
use anyhow::{Context, bail};
use std::{
    fs,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
    process::Command,
};

const NAME: &str = "svetofor-edge-agent";

/// Made before the first start, kept when the package goes: the spool is theirs.
const AFTER_INSTALLING: &str = "#!/bin/sh
set -e
if ! getent passwd svetofor >/dev/null; then
    adduser --system --group --quiet --home /var/lib/svetofor --no-create-home svetofor
fi
if [ \"$1\" = configure ] && [ -d /run/systemd/system ]; then
    systemctl daemon-reload
    # Not started by itself: its first settings name a cabinet that nobody has.
    if [ -n \"$2\" ]; then systemctl try-restart svetofor-edge-agent.service; fi
fi
";

const BEFORE_REMOVING: &str = "#!/bin/sh
set -e
if [ \"$1\" = remove ] && [ -d /run/systemd/system ]; then
    systemctl disable --now svetofor-edge-agent.service
fi
";

/// Builds the program, or takes the one that is given, and writes the package into `out`.
pub(crate) fn run(binary: Option<PathBuf>, out: &Path) -> anyhow::Result<()> {
    let binary = match binary {
        Some(binary) => binary,
        None => build()?,
    };
    let architecture = output("dpkg", &["--print-architecture"])?;
    let version = env!("CARGO_PKG_VERSION");
    let staging = out.join(format!("{NAME}_{version}_{architecture}"));
    let _ = fs::remove_dir_all(&staging);

    let put = |from: &Path, to: &str, mode: u32| -> anyhow::Result<()> {
        let text = fs::read(from).with_context(|| format!("could not read {}", from.display()))?;
        write(&staging.join(to), &text, mode)
    };
    put(&binary, "usr/bin/edge-agent", 0o755)?;
    put(
        &root().join("configs/systemd/edge-agent.service"),
        &format!("lib/systemd/system/{NAME}.service"),
        0o644,
    )?;
    let settings = fs::read_to_string(root().join("configs/edge-agent.toml"))?;
    write(&staging.join("etc/svetofor/edge-agent.toml"), installed(&settings).as_bytes(), 0o644)?;
    let mut configured = vec!["/etc/svetofor/edge-agent.toml".to_owned()];
    for map in fs::read_dir(root().join("configs/devices"))? {
        let map = map?.path();
        let name = map.file_name().unwrap_or_default().to_string_lossy().into_owned();
        put(&map, &format!("etc/svetofor/devices/{name}"), 0o644)?;
        configured.push(format!("/etc/svetofor/devices/{name}"));
    }
    let docs = format!("usr/share/doc/{NAME}");
    for page in ["operating.md", "wire.md", "safety.md"] {
        put(&root().join("docs").join(page), &format!("{docs}/{page}"), 0o644)?;
    }
    let bill = format!("{:#}\n", supply::bill(Some("edge-agent"))?);
    write(&staging.join(format!("{docs}/sbom.cdx.json")), bill.as_bytes(), 0o644)?;
    put(&root().join("CHANGELOG.md"), &format!("{docs}/CHANGELOG.md"), 0o644)?;
    put(&root().join("LICENSE-MIT"), &format!("{docs}/copyright"), 0o644)?;

    let size = output("du", &["-sk", &staging.display().to_string()])?;
    let size = size.split_whitespace().next().unwrap_or("0");
    let control = format!(
        "Package: {NAME}\nVersion: {version}\nArchitecture: {architecture}\nMaintainer: Svetofor <svetofor@example.org>\n\
         Installed-Size: {size}\nDepends: adduser\nRecommends: systemd, time-daemon\nSection: net\nPriority: optional\n\
         Description: agent between a traffic light controller and its centre\n \
         Polls the controller over Modbus, guards it by the cabinet's own limits, reports over MQTT (RSMP 4), obeys leased\n \
         commands, and falls back to the local plan when the centre is silent.\n"
    );
    write(&staging.join("DEBIAN/control"), control.as_bytes(), 0o644)?;
    configured.sort();
    write(&staging.join("DEBIAN/conffiles"), (configured.join("\n") + "\n").as_bytes(), 0o644)?;
    write(&staging.join("DEBIAN/postinst"), AFTER_INSTALLING.as_bytes(), 0o755)?;
    write(&staging.join("DEBIAN/prerm"), BEFORE_REMOVING.as_bytes(), 0o755)?;

    let package = out.join(format!("{NAME}_{version}_{architecture}.deb"));
    let mut pack = Command::new("dpkg-deb");
    pack.args(["--build", "--root-owner-group"]).arg(&staging).arg(&package);
    step("pack", pack)?;
    fs::remove_dir_all(&staging)?;
    println!("{}", package.display());
    Ok(())
}

/// The shipped settings with the places of an installed system in them.
fn installed(settings: &str) -> String {
    settings
        .replace("`edge-agent --config configs/edge-agent.toml`", "`systemctl start svetofor-edge-agent`")
        .replace("configs/devices/", "/etc/svetofor/devices/")
        .replace("folder = \"data/spool\"", "folder = \"/var/lib/svetofor/spool\"")
        .replace("\"data/", "\"/etc/svetofor/")
}

/// Static, so that it runs on whatever a cabinet's computer has. Names are looked up as `/etc/hosts` and the name server say.
fn build() -> anyhow::Result<PathBuf> {
    let about = output("rustc", &["-vV"])?;
    let host =
        about.lines().find_map(|line| line.strip_prefix("host: ")).context("rustc names no host")?.to_owned();
    let mut build = Command::new("cargo");
    build
        .current_dir(root())
        .args(["build", "--release", "--package", "edge-agent", "--target", &host])
        .env("RUSTFLAGS", "-C target-feature=+crt-static");
    step("build the agent", build)?;
    Ok(root().join("target").join(host).join("release/edge-agent"))
}

fn output(program: &str, arguments: &[&str]) -> anyhow::Result<String> {
    let done = Command::new(program)
        .args(arguments)
        .output()
        .with_context(|| format!("could not start {program}; packages are made on Debian"))?;
    if !done.status.success() {
        bail!("{program}: {}", String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(String::from_utf8_lossy(&done.stdout).trim().to_owned())
}

fn write(file: &Path, text: &[u8], mode: u32) -> anyhow::Result<()> {
    let folder = file.parent().context("a file stands in a folder")?;
    fs::create_dir_all(folder)?;
    fs::write(file, text).with_context(|| format!("could not write {}", file.display()))?;
    Ok(fs::set_permissions(file, fs::Permissions::from_mode(mode))?)
}

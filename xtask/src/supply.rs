//! What we are made of: whether it may be used, and the list of it for those who run us.
//!
//! The rules stand in `deny.toml`, which cargo-deny reads too; where that is installed it is run besides. The list is a software
//! bill of materials in CycloneDX's JSON (ECMA-424).

use crate::{root, step};
use anyhow::{Context, bail};
use serde_json::{Value, json};
use spdx::{Expression, LicenseReq};
use std::{
    collections::{BTreeMap, BTreeSet},
    path::Path,
    process::Command,
};

/// The one place that crates come from.
const REGISTRY: &str = "registry+https://github.com/rust-lang/crates.io-index";

/// Refuses crates whose licence is not on the list of `deny.toml`, or that come from elsewhere than the registry.
pub(crate) fn check() -> anyhow::Result<()> {
    let rules = std::fs::read_to_string(root().join("deny.toml")).context("could not read deny.toml")?;
    let rules: toml::Table = rules.parse().context("deny.toml")?;
    let allowed = rules["licenses"]["allow"].as_array().context("deny.toml: [licenses] has no allow")?;
    let allowed: BTreeSet<&str> = allowed.iter().filter_map(toml::Value::as_str).collect();
    let metadata = metadata()?;
    let mut faults = Vec::new();
    for package in packages(&metadata).filter(|p| !p["source"].is_null()) {
        let name = format!("{} {}", text(package, "name"), text(package, "version"));
        if package["source"] != REGISTRY {
            faults.push(format!("{name} comes from {}", package["source"]));
        }
        if let Err(fault) = may_be_used(&text(package, "license"), &allowed) {
            faults.push(format!("{name}: {fault}"));
        }
    }
    if !faults.is_empty() {
        bail!("deny.toml does not allow:\n  {}", faults.join("\n  "));
    }
    if Command::new("cargo-deny").arg("--version").output().is_ok_and(|o| o.status.success()) {
        let mut deny = Command::new("cargo-deny");
        deny.current_dir(root()).args(["check", "licenses", "bans", "sources"]);
        step("cargo deny", deny)?;
    }
    Ok(())
}

/// Whether a crate with such a licence may be used. Old manifests write `/` for OR.
fn may_be_used(license: &str, allowed: &BTreeSet<&str>) -> Result<(), String> {
    let expression = Expression::parse(&license.replace('/', " OR "))
        .map_err(|error| format!("{license:?} is no licence: {}", error.reason))?;
    let allows = |wanted: &LicenseReq| allowed.contains(wanted.to_string().as_str());
    match expression.evaluate(allows) {
        true => Ok(()),
        false => Err(format!("the licence {license} is not on the list")),
    }
}

/// The bill of materials of one of our programs, or of the whole workspace, the web app included.
pub(crate) fn bill(of: Option<&str>) -> anyhow::Result<Value> {
    let metadata = metadata()?;
    let by_id: BTreeMap<&str, &Value> =
        packages(&metadata).filter_map(|p| Some((p["id"].as_str()?, p))).collect();
    let needs = needs(&metadata);
    let mut ahead: Vec<&str> = metadata["workspace_members"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .filter(|id| of.is_none_or(|of| by_id.get(id).is_some_and(|p| p["name"] == of)))
        .collect();
    if ahead.is_empty() {
        bail!("the workspace has no package {}", of.unwrap_or_default());
    }
    let mut all = BTreeSet::new();
    while let Some(id) = ahead.pop() {
        if all.insert(id) {
            ahead.extend(needs.get(id).into_iter().flatten());
        }
    }
    let sums = checksums()?;
    let mut components: Vec<Value> =
        all.iter().filter_map(|id| by_id.get(id)).map(|p| component(p, &sums)).collect();
    let reference = |id: &str| by_id.get(id).map(|p| purl(p));
    let dependencies: Vec<Value> = all
        .iter()
        .map(|id| {
            let on: Vec<String> =
                needs.get(id).into_iter().flatten().filter_map(|id| reference(id)).collect();
            json!({ "ref": reference(id), "dependsOn": on })
        })
        .collect();
    if of.is_none() {
        components.extend(web_components(&root().join("dashboards/web/package-lock.json"))?);
    }
    Ok(json!({
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "version": 1,
        "metadata": { "component": {
            "type": "application",
            "name": of.unwrap_or("svetofor"),
            "version": env!("CARGO_PKG_VERSION"),
        } },
        "components": components,
        "dependencies": dependencies,
    }))
}

/// All packages that a build of the workspace could take.
fn metadata() -> anyhow::Result<Value> {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root()).args(["metadata", "--format-version", "1", "--locked"]);
    cargo.args(["--filter-platform", "x86_64-unknown-linux-gnu"]);
    let done = cargo.output().context("could not start cargo")?;
    if !done.status.success() {
        bail!("cargo metadata: {}", String::from_utf8_lossy(&done.stderr).trim());
    }
    Ok(serde_json::from_slice(&done.stdout)?)
}

fn packages(metadata: &Value) -> impl Iterator<Item = &Value> {
    // Only those that the lock file resolves for our platform.
    let nodes = metadata["resolve"]["nodes"].as_array().into_iter().flatten();
    let used: BTreeSet<&str> = nodes.filter_map(|n| n["id"].as_str()).collect();
    let all = metadata["packages"].as_array().into_iter().flatten();
    all.filter(move |p| p["id"].as_str().is_some_and(|id| used.contains(id)))
}

/// By package: those that it is built with, tests aside.
fn needs(metadata: &Value) -> BTreeMap<&str, Vec<&str>> {
    let built_with = |dependency: &&Value| {
        let mut kinds = dependency["dep_kinds"].as_array().into_iter().flatten();
        kinds.any(|kind| kind["kind"] != "dev")
    };
    let nodes = metadata["resolve"]["nodes"].as_array().into_iter().flatten();
    nodes
        .filter_map(|node| {
            let on = node["deps"].as_array()?.iter().filter(built_with);
            Some((node["id"].as_str()?, on.filter_map(|d| d["pkg"].as_str()).collect()))
        })
        .collect()
}

fn component(package: &Value, sums: &BTreeMap<(String, String), String>) -> Value {
    let (name, version) = (text(package, "name"), text(package, "version"));
    let sum = sums.get(&(name.clone(), version.clone()));
    let mut component = json!({
        "type": "library",
        "bom-ref": purl(package),
        "name": name,
        "version": version,
        "purl": purl(package),
        "licenses": [{ "expression": text(package, "license").replace('/', " OR ") }],
    });
    if let Some(sum) = sum {
        component["hashes"] = json!([{ "alg": "SHA-256", "content": sum }]);
    }
    component
}

/// By name and version: what the registry's archive must hash to.
fn checksums() -> anyhow::Result<BTreeMap<(String, String), String>> {
    let lock: toml::Table = std::fs::read_to_string(root().join("Cargo.lock"))?.parse()?;
    let all = lock.get("package").and_then(toml::Value::as_array).into_iter().flatten();
    let word = |package: &toml::Value, key: &str| Some(package.get(key)?.as_str()?.to_owned());
    Ok(all.filter_map(|p| Some(((word(p, "name")?, word(p, "version")?), word(p, "checksum")?))).collect())
}

/// What the web app is built from.
fn web_components(lock: &Path) -> anyhow::Result<Vec<Value>> {
    let lock: Value = serde_json::from_slice(&std::fs::read(lock)?)?;
    let packages = lock["packages"].as_object().into_iter().flatten();
    let used = packages.filter(|(place, p)| !place.is_empty() && p["dev"] != true);
    Ok(used
        .map(|(place, package)| {
            let name = place.rsplit_once("node_modules/").map_or(place.as_str(), |(_, name)| name);
            let version = text(package, "version");
            let purl = format!("pkg:npm/{}@{version}", name.replace('@', "%40"));
            let mut component = json!({ "type": "library", "name": name, "version": version, "purl": purl });
            if let Some(license) = package["license"].as_str() {
                component["licenses"] = json!([{ "expression": license }]);
            }
            component
        })
        .collect())
}

fn purl(package: &Value) -> String {
    format!("pkg:cargo/{}@{}", text(package, "name"), text(package, "version"))
}

fn text(value: &Value, key: &str) -> String {
    value[key].as_str().unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn licences_are_judged_as_written() {
        let allowed = ["MIT", "Apache-2.0", "Apache-2.0 WITH LLVM-exception"].into();
        let check = |license: &str, expected: &str| {
            let said = may_be_used(license, &allowed).map_or_else(|fault| fault, |()| "yes".to_owned());
            assert!(said.contains(expected), "{license}: {said}");
        };
        check("MIT", "yes");
        check("MIT/Apache-2.0", "yes");
        check("GPL-3.0-only OR MIT", "yes");
        check("Apache-2.0 WITH LLVM-exception", "yes");
        check("MIT AND GPL-3.0-only", "not on the list");
        check("GPL-3.0-only", "not on the list");
        check("", "is no licence");
    }

    #[test]
    fn the_agents_bill_names_what_it_is_built_with_and_nothing_else() {
        let bill = bill(Some("edge-agent")).unwrap();
        let names: Vec<&str> =
            bill["components"].as_array().unwrap().iter().filter_map(|c| c["name"].as_str()).collect();
        assert!(names.contains(&"tokio-modbus") && names.contains(&"rumqttc"), "{names:?}");
        assert!(!names.contains(&"axum") && !names.contains(&"proptest"), "{names:?}");
        let sums = bill["components"].as_array().unwrap().iter().filter(|c| !c["hashes"].is_null()).count();
        assert!(sums + 10 > names.len(), "{sums} of {} have a checksum", names.len());
    }
}

//! Sign-in at a provider of identities: a real one as a process of its own, the centre as we ship it, and a browser.

use end_to_end::{
    http::wait_for,
    peers::installed,
    places::repository,
    program::{Program, free_port, run},
    stack::Stack,
};
use std::{fs, process::Command};

/// What a city adds to the shipped file.
const TABLE: &str = r#"
[access.provider]
name = "City ID"
issuer = "ISSUER"
client_id = "svetofor"
client_secret_file = "configs/secret"
page = "PAGE"
scopes = ["profile"]
login_claim = "preferred_username"
ask_again = false
[[access.provider.grants]]
claim = "groups"
value = "traffic-chiefs"
role = "manage"
[[access.provider.grants]]
claim = "groups"
value = "traffic-duty"
role = "operate"
districts = ["cao"]

[store.postgres]
"#;

#[test]
fn people_sign_in_at_a_provider_and_have_the_role_of_their_groups() {
    let page = free_port();
    let address = format!("http://127.0.0.1:{page}");
    let web = repository().join("dashboards/web");
    let secret = "a secret of this test alone";
    let mut provider = Command::new("node");
    let redirect = format!("{address}/api/v1/session/provider/back");
    provider.current_dir(&web).args(["e2e/provider.mjs", "svetofor", secret, &redirect]);
    let mut provider = Program::start("the provider", &mut provider);
    let issuer = provider.wait_for_line("http://");

    let stack = Stack::install();
    fs::write(stack.folder().join("configs/secret"), format!("{secret}\n")).expect("a file of ours");
    let file = stack.folder().join("configs/controller-postgres.toml");
    let table = TABLE.replace("ISSUER", issuer.trim()).replace("PAGE", &address);
    let shipped = fs::read_to_string(&file).expect("the shipped file");
    fs::write(&file, shipped.replace("[store.postgres]\n", table.trim_start())).expect("a file of ours");
    let _controller = stack.start("controller", "controller-postgres.toml");
    wait_for(&stack.health(), "a centre that answers", |_| true);

    let mut walk = Command::new("node");
    walk.current_dir(&web)
        .arg("e2e/sign-in.mjs")
        .env("API_PORT", stack.api.to_string())
        .env("PAGE_PORT", page.to_string())
        .env("SVETOFOR_SHOTS", repository().join("target/screenshots"))
        .env("CHROMIUM", installed("chromium", "chromium"));
    let (code, said) = run(&mut walk);
    println!("{said}");
    assert_eq!(code, Some(0), "nobody signed in:\n{said}");
}

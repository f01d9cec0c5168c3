//! The published document holds for any question: schemathesis makes them up and looks at each answer.

mod common;

use common::{program, routing};
use routing::api;
use std::process::Command;

/// Questions to each page, and the seed of which they are made.
const QUESTIONS: &str = "60";
const SEED: &str = "1";

#[tokio::test(flavor = "multi_thread")]
async fn every_answer_is_as_the_document_says() {
    let program = program("schemathesis");
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let document = format!("http://{}/api/openapi.json", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, api::standalone(routing())).await });
    let folder = tempfile::tempdir().unwrap();
    let checked = tokio::task::spawn_blocking(move || {
        let checks =
            "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance";
        // What is made up is seldom in the drawn city: these are.
        let known = "[parameters]\n\"query.fromPlace\" = \"x_a\"\n\"query.toPlace\" = \"55.75,37.62\"\n";
        std::fs::write(folder.path().join("schemathesis.toml"), known).unwrap();
        let mut command = Command::new(program);
        command.current_dir(folder.path()).args(["run", &document, "--checks", checks, "--seed", SEED]);
        command.args(["--max-examples", QUESTIONS, "--phases", "examples,coverage,fuzzing", "--no-color"]);
        command.output().unwrap()
    });
    let checked = checked.await.unwrap();
    server.abort();
    let said = String::from_utf8_lossy(&checked.stdout);
    assert!(checked.status.success(), "{said}\n{}", String::from_utf8_lossy(&checked.stderr));
}

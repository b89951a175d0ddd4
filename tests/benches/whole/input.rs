//! What it costs to see who waits for input, and how soon it is told.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use serde_json::{Value, json};

use crate::Plan;
use crate::server::Server;
use crate::table::Table;

/// How long the server is watched doing nothing else.
const WATCHED: Duration = Duration::from_secs(20);

fn open(process: &str, argv: &[&str]) -> Value {
    let mut params = Server::start_params(process, argv);
    params["pipeStdin"] = true.into();
    params
}

fn until_waiting(server: &mut Server) -> Result<()> {
    while server.message()?["method"] != "process/waitingForInput" {}
    Ok(())
}

/// From an answer to the next question: told to be waited for.
pub(crate) fn told(plan: &Plan, table: &mut Table) -> Result<()> {
    let mut server = Server::start(&plan.subjects[0])?;
    let mut asked = Vec::new();
    server.send("process/start", open("asks", &["/bin/sh", "-c", "while read x; do :; done"]))?;
    until_waiting(&mut server)?;
    for _ in 0..plan.samples(20) {
        let began = Instant::now();
        server.send("process/write", json!({ "processId": "asks", "text": "y\n" }))?;
        until_waiting(&mut server)?;
        asked.push(began.elapsed());
    }
    table.add_times("from an answer to the news that the next is waited for", &[asked]);
    let mut started = Vec::new();
    for sample in 0..plan.samples(20) {
        let began = Instant::now();
        server.send("process/start", open(&format!("p{sample}"), &["/bin/sh", "-c", "sleep 0.5; read x"]))?;
        until_waiting(&mut server)?;
        started.push(began.elapsed().saturating_sub(Duration::from_millis(500)));
    }
    table.add_times("  from a question out of nothing to the same", &[started]);
    Ok(())
}

/// The processor time of a server whose processes all have their input open, and do nothing.
#[expect(clippy::disallowed_methods, reason = "what is measured is a time in which nothing happens")]
pub(crate) fn watched(plan: &Plan, table: &mut Table) -> Result<()> {
    let count = plan.starts;
    for (what, argv, waits) in [
        ("`cat` that wait for input", &["/bin/cat"][..], true),
        ("`sleep` with open input", &["/bin/sleep", "1000"], false),
    ] {
        let mut server = Server::start(&plan.subjects[0])?;
        let names: Vec<String> = (0..count).map(|n| format!("p{n}")).collect();
        let requests = names.iter().map(|name| ("process/start", open(name, argv))).collect();
        let (ids, writer) = server.send_all(requests);
        let (mut answers, mut waiting) = (ids.len(), if waits { count } else { 0 });
        while answers > 0 || waiting > 0 {
            let message = server.message()?;
            ensure!(message.get("error").is_none(), "a start fails: {message}");
            answers -= usize::from(message.get("id").is_some());
            waiting -= usize::from(message["method"] == "process/waitingForInput");
        }
        writer.join().expect("the writer ends")?;
        let before = server.processor_time()?;
        thread::sleep(WATCHED);
        let used = (server.processor_time()? - before).as_secs_f64() / WATCHED.as_secs_f64();
        table.add(&format!("{count} {what}: of a core"), "%", &[Some(100.0 * used)], "over 20 s");
    }
    Ok(())
}

//! Codex's own server over pipes.

use std::ops::Deref;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::json;
use tempfile::TempDir;

use crate::client::Client;
use crate::framing::Framing;

/// A running server, and a client of it. Dropping it kills it.
pub struct Peer {
    client: Client,
    child: Child,
    home: TempDir,
}

impl Peer {
    #[expect(clippy::disallowed_methods, reason = "the harness launches the peer itself")]
    pub(super) fn start(program: &Path) -> Self {
        let home = tempfile::tempdir().expect("a temporary directory");
        let mut command = Command::new(program);
        command.args(["exec-server", "--listen", "stdio"]).env("CODEX_HOME", home.path());
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let stdin = child.stdin.take().expect("stdin is piped");
        let stdout = child.stdout.take().expect("stdout is piped");
        let client = Client::new(stdout, stdin, Framing::Lines);
        let peer = Self { client, child, home };
        peer.call("initialize", json!({ "clientName": "weir-tests" }));
        peer.notify("initialized", json!({}));
        peer
    }

    /// A directory that goes with it.
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.home.path()
    }
}

impl Deref for Peer {
    type Target = Client;

    fn deref(&self) -> &Client {
        &self.client
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

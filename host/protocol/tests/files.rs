//! Requests about files, and what they come to, on the wire.

use serde_json::{Value, json};
use weir_protocol::fs::{
    DirectoryEntry, FileMetadata, WalkEntry, WalkEntryKind, WalkFault, WalkOptions, WalkResult,
};
use weir_protocol::{
    Call, ErrorKind, ErrorObject, Event, FsCall, FsReply, Incoming, Reply, encode_event, encode_response,
    parse,
};

fn call(method: &str, params: Value) -> Result<FsCall, ErrorObject> {
    let message = json!({ "id": 1, "method": method, "params": params }).to_string();
    match parse(message.as_bytes()) {
        Incoming::Request { call: Ok(Call::Fs(call)), .. } => Ok(call),
        Incoming::Request { call: Err(error), .. } => Err(error),
        other => panic!("expected a request about files, saw {other:?}"),
    }
}

fn result(reply: FsReply) -> Value {
    let mut out = Vec::new();
    encode_response(&mut out, Some(&7_i64.into()), &Ok(Reply::Fs(reply)));
    let mut message: Value = serde_json::from_slice(&out).expect("JSON");
    message["result"].take()
}

#[test]
fn what_a_codex_client_sends_is_understood() {
    let walk = json!({
        "path": "file:///x", "sandbox": null,
        "options": { "maxDepth": 3, "maxDirectories": 4, "maxEntries": 5, "followDirectorySymlinks": true },
    });
    let Ok(FsCall::Walk(walk)) = call("fs/walk", walk) else { panic!() };
    let expected =
        WalkOptions { max_depth: 3, max_directories: 4, max_entries: 5, follow_directory_symlinks: true };
    assert_eq!((walk.path.as_str(), walk.options, walk.sandbox.is_none()), ("file:///x", expected, true));
    let Ok(FsCall::WriteFile(write)) = call("fs/writeFile", json!({ "path": "/x", "dataBase64": "aGk=" }))
    else {
        panic!()
    };
    assert_eq!(&write.data()[..], b"hi");
    let Ok(FsCall::WatchMissing(watch)) =
        call("fs/watchMissing", json!({ "watchId": 1, "missing": ["file:///a"], "present": "file:///b" }))
    else {
        panic!()
    };
    assert_eq!((watch.watch_id, watch.missing.len(), watch.present.as_deref()), (1, 1, Some("file:///b")));
}

#[test]
fn a_sandbox_is_found_wherever_it_may_stand() {
    let all = json!({
        "path": "/x", "sourcePath": "/x", "destinationPath": "/y", "dataBase64": "", "handleId": "h",
        "options": { "maxDepth": 1, "maxDirectories": 1, "maxEntries": 1 }, "sandbox": { "type": "x" },
        "offset": 0, "len": 1, "watchId": 1, "missing": [],
    });
    for method in Call::METHODS.iter().filter(|method| method.starts_with(FsCall::PREFIX)) {
        let call = call(method, all.clone()).expect("sound params");
        assert_eq!(call.method(), *method);
        // These name no path that they open.
        let without = ["fs/readBlock", "fs/close", "fs/watchMissing"].contains(method);
        assert_eq!(call.sandbox().is_none(), without, "{method}");
    }
}

#[test]
fn what_is_missing_or_out_of_range_is_named() {
    for (method, params, member) in [
        ("fs/writeFile", json!({ "path": "/x" }), "dataBase64"),
        ("fs/writeFile", json!({ "path": "/x", "dataBase64": "?" }), "dataBase64"),
        ("fs/walk", json!({ "path": "/x" }), "options"),
        ("fs/walk", json!({ "path": "/x", "options": [1, 2, 3] }), "options"),
        (
            "fs/walk",
            json!({ "path": "/x", "options": { "maxDepth": 1, "maxEntries": 1 } }),
            "options.maxDirectories",
        ),
        ("fs/readBlock", json!({ "handleId": "h", "offset": 0, "len": 0 }), "len"),
        ("fs/readBlock", json!({ "handleId": "h", "offset": -1, "len": 1 }), "offset"),
        ("fs/open", json!({ "handleId": "x".repeat(1025), "path": "/x" }), "handleId"),
        ("fs/copy", json!({ "sourcePath": "/x" }), "destinationPath"),
    ] {
        let error = call(method, params.clone()).expect_err("wrong params");
        assert_eq!(error.kind(), ErrorKind::InvalidParams, "{method} {params}");
        assert_eq!(error.detail("member"), Some(&member.into()), "{method} {params}: {error}");
    }
}

#[test]
fn results_have_the_members_that_codex_expects() {
    assert_eq!(result(FsReply::Done), json!({}));
    assert_eq!(result(FsReply::ReadFile(b"\x00hi"[..].into())), json!({ "dataBase64": "AGhp" }));
    let metadata = FileMetadata {
        is_directory: false,
        is_file: true,
        is_symlink: true,
        size: 5,
        created_at_ms: -1,
        modified_at_ms: 2,
    };
    assert_eq!(
        result(FsReply::GetMetadata(metadata)),
        json!({ "isDirectory": false, "isFile": true, "isSymlink": true, "size": 5, "createdAtMs": -1, "modifiedAtMs": 2 })
    );
    assert_eq!(result(FsReply::Canonicalize("file:///x".into())), json!({ "path": "file:///x" }));
    let entry = DirectoryEntry { file_name: "a".into(), is_directory: true, is_file: false };
    assert_eq!(
        result(FsReply::ReadDirectory(vec![entry])),
        json!({ "entries": [{ "fileName": "a", "isDirectory": true, "isFile": false }] })
    );
    let walk = WalkResult {
        entries: vec![WalkEntry { path: "file:///a".into(), kind: WalkEntryKind::File }],
        errors: vec![WalkFault { path: "file:///b".into(), message: "no".into() }],
        truncated: true,
    };
    assert!(FsReply::Walk(walk.clone()).size() > 0);
    assert_eq!(
        result(FsReply::Walk(walk)),
        json!({
            "entries": [{ "path": "file:///a", "kind": "file" }],
            "errors": [{ "path": "file:///b", "message": "no" }], "truncated": true,
        })
    );
    assert_eq!(result(FsReply::Open("h".into())), json!({ "handleId": "h" }));
    let block = FsReply::ReadBlock { chunk: b"hi"[..].into(), eof: true };
    assert_eq!((block.size(), result(block)), (2, json!({ "chunk": "aGk=", "eof": true })));
    assert_eq!(result(FsReply::WatchMissing(true)), json!({ "watching": true }));
    let mut out = Vec::new();
    encode_event(&mut out, &Event::MissingChanged { watch_id: 7 });
    let event: Value = serde_json::from_slice(&out).expect("JSON");
    assert_eq!(event, json!({ "jsonrpc": "2.0", "method": "fs/missingChanged", "params": { "watchId": 7 } }));
}

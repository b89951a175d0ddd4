//! Files that are not there, and the word when they may be.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::json;
use weir_tests::{Host, Json, Launch};

weir_tests::both_ways!(
    a_watch_tells_once_of_what_appears,
    a_watch_tells_of_what_goes,
    a_watch_is_replaced_by_a_later_one,
    what_cannot_be_watched_is_said,
);

/// A path in the host's directory, as text.
fn path(host: &Host, name: &str) -> String {
    host.path(name).display().to_string()
}

#[track_caller]
fn watch(host: &Host, id: u64, missing: &[&str], present: Option<&str>) -> bool {
    let missing: Vec<String> = missing.iter().map(|name| format!("file://{}", path(host, name))).collect();
    let present = present.map(|name| path(host, name));
    let params = json!({ "watchId": id, "missing": missing, "present": present });
    host.call("fs/watchMissing", params).flag("watching")
}

#[track_caller]
fn told(host: &Host) -> i64 {
    let event = host.try_other("fs/missingChanged").unwrap_or_else(|missing| panic!("{missing}"));
    event.value.int("params.watchId")
}

fn a_watch_tells_once_of_what_appears(launch: Launch) {
    let host = launch.start();
    assert!(watch(&host, 1, &["later", "a/b/c"], None));
    fs::write(host.path("unrelated"), "").expect("a file");
    fs::write(host.path("later"), "").expect("a file");
    assert_eq!(told(&host), 1);
    // The first part that is missing is enough: what is below it cannot be seen coming.
    assert!(watch(&host, 2, &["a/b/c"], None));
    fs::create_dir(host.path("a")).expect("a directory");
    assert_eq!(told(&host), 2);
    fs::create_dir(host.path("a/b")).expect("a directory");
    assert!(watch(&host, 3, &["a/b/c"], Some("later")));
    fs::rename(host.path("unrelated"), host.path("a/b/c")).expect("a new name");
    // The first watch told once, the second as well.
    assert_eq!(told(&host), 3);
    assert!(watch(&host, 4, &["link"], None));
    symlink("nothing", host.path("link")).expect("a link");
    assert_eq!(told(&host), 4);
}

fn a_watch_tells_of_what_goes(launch: Launch) {
    let host = launch.start();
    fs::write(host.path("present"), "").expect("a file");
    fs::create_dir(host.path("directory")).expect("a directory");
    assert!(watch(&host, 1, &["x"], Some("present")));
    fs::remove_file(host.path("present")).expect("the file");
    assert_eq!(told(&host), 1);
    assert!(watch(&host, 2, &["directory/x"], None));
    fs::remove_dir(host.path("directory")).expect("the directory");
    assert_eq!(told(&host), 2);
}

fn a_watch_is_replaced_by_a_later_one(launch: Launch) {
    let host = launch.start();
    assert!(watch(&host, 5, &["first"], None));
    assert!(watch(&host, 6, &["second"], None));
    for id in [6, 5, 0] {
        assert!(!watch(&host, id, &["third"], None), "{id}");
    }
    fs::write(host.path("first"), "").expect("a file");
    fs::write(host.path("second"), "").expect("a file");
    assert_eq!(told(&host), 6);
}

fn what_cannot_be_watched_is_said(launch: Launch) {
    let host = launch.start();
    fs::write(host.path("file"), "").expect("a file");
    symlink("nothing", host.path("dangling")).expect("a link");
    let many: Vec<String> = (0..2000).map(|number| format!("f{number}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    for (id, (missing, present)) in [
        (&["file"][..], None),
        (&["x", "file"], None),
        (&["x"], Some("y")),
        (&["file/x"], None),
        (&["dangling/x"], None),
        (&[], Some("file")),
        (&many, None),
    ]
    .into_iter()
    .enumerate()
    {
        assert!(!watch(&host, id as u64 + 1, missing, present), "{missing:?} {present:?}");
    }
    let error = host.refused("fs/watchMissing", json!({ "watchId": "w", "missing": [] }));
    error.assert(-32602, "invalidParams", &["watchId"]);
}

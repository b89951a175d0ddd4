//! Files: read, written, listed, walked through, copied, removed.

use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;

use serde_json::{Value, json};
use weir_tests::{Gate, Host, Json, Launch, base64, merge};

weir_tests::both_ways!(
    a_file_is_written_read_and_replaced_in_place,
    what_is_not_there_is_not_found_and_named,
    nothing_but_a_regular_file_is_opened,
    links_are_followed_and_told,
    a_directory_is_listed_by_name,
    a_walk_goes_level_by_level_within_its_limits,
    a_walk_follows_links_once_if_asked_to,
    a_walk_delays_nobody_and_can_be_cancelled,
    a_copy_keeps_modes_and_links,
    a_copy_into_itself_is_refused,
    directories_are_made_with_their_parents,
    removing_takes_a_link_itself,
    a_file_is_read_in_blocks,
    open_files_are_bounded_and_named,
    a_large_file_is_refused_as_a_whole,
    many_whole_files_wait_for_their_turn,
    a_path_is_absolute_or_a_uri,
    access_in_a_sandbox_is_refused,
    files_need_no_process,
);

mod hosts_own {
    use super::*;

    weir_tests::binary_only!(files_can_be_left_out, blocks_that_nobody_reads_take_bounded_memory);
}

/// A path in the host's directory, as text.
fn path(host: &Host, name: &str) -> String {
    host.path(name).display().to_string()
}

#[track_caller]
fn write(host: &Host, name: &str, content: impl AsRef<[u8]>) -> String {
    let path = path(host, name);
    let done = host.call("fs/writeFile", json!({ "path": path, "dataBase64": base64(content) }));
    assert_eq!(done, json!({}));
    path
}

#[track_caller]
fn read(host: &Host, path: impl AsRef<Path>) -> Vec<u8> {
    host.call("fs/readFile", json!({ "path": path.as_ref() })).bytes("dataBase64")
}

fn a_file_is_written_read_and_replaced_in_place(launch: Launch) {
    let host = launch.start();
    let content: Vec<u8> = (0..=255).cycle().take(300_000).collect();
    let file = write(&host, "file", &content);
    assert!(read(&host, &file) == content);
    fs::set_permissions(&file, fs::Permissions::from_mode(0o741)).expect("a mode");
    symlink("file", host.path("link")).expect("a link");
    write(&host, "link", "short");
    assert_eq!(fs::read(&file).expect("the file"), b"short");
    assert_eq!(fs::metadata(&file).expect("the file").permissions().mode() & 0o777, 0o741);
    assert!(host.path("link").is_symlink());
    write(&host, "file", "");
    assert_eq!(read(&host, &file), b"");
}

fn what_is_not_there_is_not_found_and_named(launch: Launch) {
    let host = launch.start();
    symlink("nothing", host.path("dangling")).expect("a link");
    let nothing = path(&host, "no/such");
    let options = json!({ "maxDepth": 1, "maxDirectories": 1, "maxEntries": 1 });
    for (method, params) in [
        ("fs/readFile", json!({ "path": nothing })),
        ("fs/readFile", json!({ "path": path(&host, "dangling") })),
        ("fs/getMetadata", json!({ "path": nothing })),
        ("fs/getMetadata", json!({ "path": path(&host, "dangling") })),
        ("fs/canonicalize", json!({ "path": nothing })),
        ("fs/readDirectory", json!({ "path": nothing })),
        ("fs/walk", json!({ "path": nothing, "options": options })),
        ("fs/writeFile", json!({ "path": nothing, "dataBase64": "" })),
        ("fs/createDirectory", json!({ "path": nothing, "recursive": false })),
        ("fs/remove", json!({ "path": nothing, "force": false })),
        ("fs/copy", json!({ "sourcePath": nothing, "destinationPath": path(&host, "x") })),
        ("fs/open", json!({ "handleId": "h", "path": nothing })),
    ] {
        let error = host.refused(method, params.clone());
        let named = params.get("path").or(params.get("sourcePath")).and_then(Value::as_str).expect("a path");
        error.assert(-32004, "notFound", &[named, "no such file"]);
        assert_eq!((error.data.text("path"), error.data.int("errno")), (named, 2), "{method}");
    }
    // What was not opened can be opened.
    let file = write(&host, "file", "x");
    host.call("fs/open", json!({ "handleId": "h", "path": file }));
}

fn nothing_but_a_regular_file_is_opened(launch: Launch) {
    let host = launch.start();
    let gate = host.gate("fifo");
    fs::create_dir(host.path("directory")).expect("a directory");
    symlink("directory", host.path("link")).expect("a link");
    for (seen, path) in [
        ("a directory", path(&host, "directory")),
        ("a directory", path(&host, "link")),
        ("a FIFO", gate.to_string()),
        ("a device", "/dev/zero".to_owned()),
    ] {
        for (method, params) in [
            ("fs/readFile", json!({})),
            ("fs/open", json!({ "handleId": "h" })),
            ("fs/writeFile", json!({ "dataBase64": "eA==" })),
        ] {
            let error = host.refused(method, merge(params, json!({ "path": path })));
            error.assert(-32600, "fileRefused", &[&path, "expected a regular file", seen]);
            assert_eq!((error.data.text("path"), error.data.text("seen")), (path.as_str(), seen));
        }
    }
    let params = json!({ "sourcePath": gate.to_string(), "destinationPath": path(&host, "copy") });
    host.refused("fs/copy", params).assert(-32600, "fileRefused", &["a FIFO"]);
    let error = host.refused("fs/readDirectory", json!({ "path": "/dev/null" }));
    error.assert(-32603, "fileFailed", &["/dev/null", "not a directory"]);
}

fn links_are_followed_and_told(launch: Launch) {
    let host = launch.start();
    let file = write(&host, "file", "12345");
    symlink("file", host.path("link")).expect("a link");
    fs::create_dir(host.path("directory")).expect("a directory");
    let of = |name: &str| host.call("fs/getMetadata", json!({ "path": path(&host, name) }));
    let metadata = of("file");
    assert_eq!((metadata.flag("isFile"), metadata.flag("isDirectory")), (true, false));
    assert_eq!((metadata.flag("isSymlink"), metadata.int("size")), (false, 5));
    let modified = fs::metadata(&file).expect("the file").modified().expect("a time");
    let modified = modified.duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_millis();
    assert_eq!(u128::try_from(metadata.int("modifiedAtMs")), Ok(modified));
    assert!(metadata.int("createdAtMs") >= 0);
    let metadata = of("link");
    assert_eq!((metadata.flag("isFile"), metadata.flag("isSymlink"), metadata.int("size")), (true, true, 5));
    assert!(of("directory").flag("isDirectory"));
    let canonical = host.directory().canonicalize().expect("a path").join("file");
    let found = host.call("fs/canonicalize", json!({ "path": path(&host, "directory/../link") }));
    assert_eq!(found.text("path"), format!("file://{}", canonical.display()));
    symlink("loop", host.path("loop")).expect("a link");
    let error = host.refused("fs/readFile", json!({ "path": path(&host, "loop") }));
    error.assert(-32603, "fileFailed", &["loop"]);
}

fn a_directory_is_listed_by_name(launch: Launch) {
    let host = launch.start();
    let root = path(&host, "root");
    fs::create_dir_all(host.path("root/c")).expect("a directory");
    for name in ["root/b", "root/.a"] {
        fs::write(host.path(name), "").expect("a file");
    }
    symlink("c", host.path("root/d")).expect("a link");
    symlink("nothing", host.path("root/e")).expect("a link");
    let _gate = Gate::new(host.path("root/f"));
    let listed = host.call("fs/readDirectory", json!({ "path": root }));
    let entry = |name, is_directory, is_file| json!({ "fileName": name, "isDirectory": is_directory, "isFile": is_file });
    let expected = [
        entry(".a", false, true),
        entry("b", false, true),
        entry("c", true, false),
        entry("d", true, false),
        entry("f", false, false),
    ];
    assert_eq!(listed["entries"], json!(expected));
}

/// A tree with a file at each level, and links.
fn tree(host: &Host) -> String {
    fs::create_dir_all(host.path("root/a/b/c")).expect("directories");
    fs::create_dir_all(host.path("root/z")).expect("directories");
    for name in ["5", "a/1", "a/b/2", "a/b/c/3", "z/4"] {
        fs::write(host.path("root").join(name), name).expect("a file");
    }
    symlink(".", host.path("root/z/self")).expect("a link");
    symlink("5", host.path("root/link")).expect("a link");
    symlink("nothing", host.path("root/dangling")).expect("a link");
    path(host, "root")
}

/// What a walk finds, below its root, and whether there is more.
#[track_caller]
fn walk(host: &Host, root: &str, options: Value) -> (Vec<String>, bool) {
    let options = merge(json!({ "maxDepth": 10, "maxDirectories": 100, "maxEntries": 100 }), options);
    let walked = host.call("fs/walk", json!({ "path": root, "options": options }));
    assert!(walked.list("errors").is_empty(), "{walked}");
    let entry = |entry: &Value| {
        let below =
            entry.text("path").strip_prefix(&format!("file://{root}/")).expect("a path below the root");
        let sign = if entry.text("kind") == "directory" { "/" } else { "" };
        format!("{below}{sign}")
    };
    (walked.list("entries").iter().map(entry).collect(), walked.flag("truncated"))
}

fn a_walk_goes_level_by_level_within_its_limits(launch: Launch) {
    let host = launch.start();
    let root = tree(&host);
    let all = ["5", "a/", "z/", "a/1", "a/b/", "z/4", "a/b/2", "a/b/c/", "a/b/c/3"];
    let seen = |options| walk(&host, &root, options);
    assert_eq!(seen(json!({})), (all.map(str::to_owned).to_vec(), false));
    // Links count as looked at, though they are not told.
    for (options, expected, truncated) in [
        (json!({ "maxDepth": 0 }), 3, false),
        (json!({ "maxDepth": 1 }), 6, false),
        (json!({ "maxEntries": 3 }), 2, true),
        (json!({ "maxEntries": 9 }), 7, true),
        (json!({ "maxEntries": 11 }), 9, false),
        (json!({ "maxDirectories": 2 }), 5, true),
        (json!({ "maxDirectories": 5 }), 9, false),
    ] {
        assert_eq!(
            seen(options.clone()),
            (all[..expected].iter().map(|&path| path.into()).collect(), truncated)
        );
    }
    for file in ["root/5", "root/link", "root/z/self"] {
        assert_eq!(walk(&host, &path(&host, file), json!({})), (Vec::new(), false), "{file}");
    }
    for (member, options) in [
        ("options.maxDepth", json!({ "maxEntries": 1, "maxDirectories": 1 })),
        ("options.maxEntries", json!({ "maxDepth": 1, "maxEntries": 0, "maxDirectories": 1 })),
        ("options.maxDirectories", json!({ "maxDepth": 1, "maxEntries": 1, "maxDirectories": 0 })),
    ] {
        let error = host.refused("fs/walk", json!({ "path": root, "options": options }));
        error.assert(-32602, "invalidParams", &[member]);
    }
}

fn a_walk_follows_links_once_if_asked_to(launch: Launch) {
    let host = launch.start();
    let root = tree(&host);
    let (found, truncated) = walk(&host, &root, json!({ "followDirectorySymlinks": true }));
    let expected =
        ["5", "a/", "z/", "a/1", "a/b/", "z/4", "z/self/", "a/b/2", "a/b/c/", "a/b/c/3"].map(str::to_owned);
    assert_eq!((found, truncated), (expected.to_vec(), false));
}

fn a_walk_delays_nobody_and_can_be_cancelled(launch: Launch) {
    let host = launch.start();
    let options = json!({ "maxDepth": 99, "maxDirectories": 1_000_000, "maxEntries": 1_000_000 });
    let walks: Vec<u64> =
        (0..4).map(|_| host.send_request("fs/walk", json!({ "path": "/usr", "options": options }))).collect();
    let run = host.call("process/run", json!({ "argv": host.probe_argv("emit stdout x") }));
    assert_eq!(run.bytes("stdout"), b"x");
    for id in &walks {
        host.notify("$/cancelRequest", json!({ "id": id }));
    }
    // One or the other may have come to its end.
    for id in walks {
        if let Err(error) = host.response(id) {
            error.assert(-32800, "requestCancelled", &[]);
        }
    }
}

fn a_copy_keeps_modes_and_links(launch: Launch) {
    let host = launch.start();
    let root = tree(&host);
    let big = vec![b'x'; 20 << 20];
    fs::write(host.path("root/a/big"), &big).expect("a file");
    fs::set_permissions(host.path("root/5"), fs::Permissions::from_mode(0o750)).expect("a mode");
    let copy = |source: &str, destination: &str, recursive: bool| {
        let params = json!({
            "sourcePath": source, "destinationPath": path(&host, destination), "recursive": recursive,
        });
        assert_eq!(host.call("fs/copy", params), json!({}));
    };
    copy(&root, "copy", true);
    assert!(fs::read(host.path("copy/a/big")).expect("the copy") == big);
    assert_eq!(fs::read(host.path("copy/a/b/c/3")).expect("the copy"), b"a/b/c/3");
    assert_eq!(fs::metadata(host.path("copy/5")).expect("the copy").permissions().mode() & 0o777, 0o750);
    assert_eq!(fs::read_link(host.path("copy/dangling")).expect("a link"), Path::new("nothing"));
    copy(&format!("{root}/link"), "link", false);
    assert_eq!(fs::read_link(host.path("link")).expect("a link"), Path::new("5"));
    // Over a longer one.
    copy(&format!("{root}/5"), "copy/a/big", false);
    assert_eq!(fs::read(host.path("copy/a/big")).expect("the copy"), b"5");
    let params = json!({ "sourcePath": root, "destinationPath": path(&host, "another") });
    host.refused("fs/copy", params).assert(-32600, "fileRefused", &["recursive", "a directory"]);
    assert!(!host.path("another").exists());
}

fn a_copy_into_itself_is_refused(launch: Launch) {
    let host = launch.start();
    let root = tree(&host);
    symlink("root/a", host.path("way-in")).expect("a link");
    for destination in ["root", "root/a/new/deeper", "way-in/new"] {
        let params =
            json!({ "sourcePath": root, "destinationPath": path(&host, destination), "recursive": true });
        host.refused("fs/copy", params).assert(-32600, "fileRefused", &[&root, "outside", destination]);
    }
    let file = path(&host, "root/5");
    let params = json!({ "sourcePath": file, "destinationPath": path(&host, "root/link") });
    host.refused("fs/copy", params).assert(-32600, "fileRefused", &[&file]);
    assert_eq!(fs::read(&file).expect("the file"), b"5");
}

fn directories_are_made_with_their_parents(launch: Launch) {
    let host = launch.start();
    let deep = path(&host, "a/b/c");
    for _ in 0..2 {
        assert_eq!(host.call("fs/createDirectory", json!({ "path": deep })), json!({}));
    }
    let error = host.refused("fs/createDirectory", json!({ "path": deep, "recursive": false }));
    error.assert(-32603, "fileFailed", &[&deep, "exists"]);
    let file = write(&host, "file", "");
    host.refused("fs/createDirectory", json!({ "path": file })).assert(-32603, "fileFailed", &[&file]);
}

fn removing_takes_a_link_itself(launch: Launch) {
    let host = launch.start();
    tree(&host);
    let remove =
        |name: &str, params| host.call("fs/remove", merge(json!({ "path": path(&host, name) }), params));
    let error = host.refused("fs/remove", json!({ "path": path(&host, "root/a"), "recursive": false }));
    error.assert(-32603, "fileFailed", &["root/a", "not empty"]);
    symlink("a", host.path("root/to-a")).expect("a link");
    remove("root/to-a", json!({ "recursive": true }));
    assert!(host.path("root/a/b/c/3").exists() && !host.path("root/to-a").is_symlink());
    remove("root/dangling", json!({ "force": false }));
    remove("root", json!({}));
    assert!(!host.path("root").exists());
    remove("root", json!({}));
}

fn a_file_is_read_in_blocks(launch: Launch) {
    let host = launch.start();
    let content: Vec<u8> = (0..=255).cycle().take(2_500_000).collect();
    let file = write(&host, "file", &content);
    // The open file is waited for.
    let open = host.send_request("fs/open", json!({ "handleId": "h", "path": file }));
    let (mut all, mut eof) = (Vec::new(), false);
    while !eof {
        let params = json!({ "handleId": "h", "offset": all.len(), "len": 1 << 20 });
        let block = host.call("fs/readBlock", params);
        all.extend(block.bytes("chunk"));
        eof = block.flag("eof");
    }
    assert_eq!(host.response(open).expect("an open file").text("handleId"), "h");
    assert!(all == content);
    let block = |offset: u64, len: u64| {
        let block = host.call("fs/readBlock", json!({ "handleId": "h", "offset": offset, "len": len }));
        (block.bytes("chunk").len(), block.flag("eof"))
    };
    assert_eq!(block(2_499_990, 10), (10, true));
    assert_eq!(block(2_499_989, 10), (10, false));
    assert_eq!(block(1 << 40, 10), (0, true));
    // It stays the same file, whatever becomes of its name.
    fs::remove_file(&file).expect("the file");
    assert_eq!(block(0, 5), (5, false));
    for len in [0, (1 << 20) + 1] {
        let error = host.refused("fs/readBlock", json!({ "handleId": "h", "offset": 0, "len": len }));
        error.assert(-32602, "invalidParams", &["len", "1048576"]);
    }
    for _ in 0..2 {
        assert_eq!(host.call("fs/close", json!({ "handleId": "h" })), json!({}));
    }
    let error = host.refused("fs/readBlock", json!({ "handleId": "h", "offset": 0, "len": 1 }));
    error.assert(-32004, "notFound", &["`h`"]);
    assert_eq!(error.data.text("handleId"), "h");
}

fn open_files_are_bounded_and_named(launch: Launch) {
    let host = launch.start();
    let file = write(&host, "file", "x");
    let open = |id: &str| json!({ "handleId": id, "path": file });
    host.call("fs/open", open("first"));
    host.refused("fs/open", open("first")).assert(-32600, "fileRefused", &["`first`", "in use"]);
    for id in 1..128 {
        host.call("fs/open", open(&format!("h{id}")));
    }
    let error = host.refused("fs/open", open("more"));
    error.assert(-32022, "limitExceeded", &["128"]);
    assert_eq!((error.data.text("limit"), error.data.int("value")), ("maxOpenFiles", 128));
    host.call("fs/close", json!({ "handleId": "first" }));
    host.call("fs/open", open("more"));
    let error = host.refused("fs/open", open(&"x".repeat(2000)));
    error.assert(-32602, "invalidParams", &["handleId", "1024"]);
}

/// A file of so many zeros that take no place.
fn sparse(host: &Host, name: &str, bytes: u64) -> String {
    fs::File::create(host.path(name)).and_then(|file| file.set_len(bytes)).expect("a file");
    path(host, name)
}

fn a_large_file_is_refused_as_a_whole(launch: Launch) {
    let host = launch.uninitialized().start();
    let limits = host.initialize().at("capabilities.limits").clone();
    let most = limits.int("maxFileBytes");
    let file = sparse(&host, "file", most as u64 + 1);
    let error = host.refused("fs/readFile", json!({ "path": file }));
    error.assert(-32022, "limitExceeded", &[&file, &most.to_string(), "fs/open"]);
    assert_eq!((error.data.text("limit"), error.data.int("value")), ("maxFileBytes", most));
}

fn many_whole_files_wait_for_their_turn(launch: Launch) {
    let host = launch.start();
    let file = sparse(&host, "file", 24 << 20);
    let reads: Vec<u64> = (0..6).map(|_| host.send_request("fs/readFile", json!({ "path": file }))).collect();
    // Nobody else waits for them.
    let small = write(&host, "small", "x");
    host.call("fs/getMetadata", json!({ "path": small }));
    for id in reads {
        let result = host.response(id).expect("the file");
        assert_eq!(result.text("dataBase64").len(), (24 << 20) / 3 * 4);
    }
}

fn a_path_is_absolute_or_a_uri(launch: Launch) {
    let host = launch.start();
    let odd = host.directory().join(std::ffi::OsStr::from_bytes(b"a b%\xff\\"));
    fs::write(&odd, "odd").expect("a file");
    let root = host.directory().display();
    let uri = format!("file://{root}/a%20b%25%FF%5C");
    assert_eq!(read(&host, &uri), b"odd");
    assert_eq!(read(&host, uri.replace("file://", "FILE://localhost")), b"odd");
    let found = host.call("fs/canonicalize", json!({ "path": uri }));
    assert!(found.text("path").ends_with("/a%20b%25%FF%5C"), "{found}");
    for path in ["relative", "", "file:relative", "http://host/x", "/a\0b", "file:///a%00b", "file://host/x"]
    {
        let error = host.refused("fs/readFile", json!({ "path": path }));
        error.assert(-32602, "invalidParams", &["path", "expected an absolute path"]);
    }
    // Where the member has another name, that is named.
    let error = host.refused("fs/copy", json!({ "sourcePath": "/x", "destinationPath": "y" }));
    error.assert(-32602, "invalidParams", &["destinationPath"]);
}

fn access_in_a_sandbox_is_refused(launch: Launch) {
    let host = launch.start();
    let file = write(&host, "file", "x");
    let sandbox = json!({ "permissions": { "type": "managed" } });
    let error = host.refused("fs/readFile", json!({ "path": file, "sandbox": sandbox }));
    error.assert(-32602, "invalidParams", &["sandbox"]);
    assert_eq!(error.data.text("member"), "sandbox");
    assert_eq!(host.call("fs/readFile", json!({ "path": file, "sandbox": null })).bytes("dataBase64"), b"x");
}

fn files_need_no_process(launch: Launch) {
    let host = launch.start();
    // A process that runs, and one that waits for ever, are nobody's concern here.
    let process = host.probe("hang");
    let waiting = process.send("process/wait", json!({ "until": "exit" }));
    let file = write(&host, "file", "x");
    assert_eq!(read(&host, &file), b"x");
    process.terminate();
    host.response(waiting).expect("its end");
}

fn files_can_be_left_out(launch: Launch) {
    let host = launch.options(["--no-fs"]).uninitialized().start();
    let result = host.initialize();
    assert!(!result.texts("capabilities.methods").iter().any(|method| method.starts_with("fs/")));
    assert!(!result.flag("environmentInfo.capabilities.fsWatchMissing"));
    let error = host.refused("fs/readFile", json!({ "path": "/etc/hostname" }));
    error.assert(-32601, "methodNotFound", &["fs/readFile", "--no-fs"]);
}

fn blocks_that_nobody_reads_take_bounded_memory(launch: Launch) {
    let host = launch.start();
    let file = sparse(&host, "file", 1 << 30);
    host.call("fs/open", json!({ "handleId": "h", "path": file }));
    host.pause_reading();
    let blocks: Vec<u64> = (0..500)
        .map(|block| {
            let params = json!({ "handleId": "h", "offset": block << 20, "len": 1 << 20 });
            host.send_request("fs/readBlock", params)
        })
        .collect();
    host.resume_reading();
    for id in blocks {
        assert_eq!(host.response(id).expect("a block").text("chunk").len(), (1_usize << 20).div_ceil(3) * 4);
    }
    let status = fs::read_to_string(format!("/proc/{}/status", host.pid())).expect("the host lives");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("its peak");
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().expect("a number");
    assert!(peak < 250 << 10, "{peak} KiB");
}

//! A plugin sees what it is granted, and nothing else.

use std::collections::BTreeMap;

use weir_plugin::{LoadError, Source};

use super::support::{Host, decide, prebuilt, spec};

#[tokio::test]
async fn files_are_seen_in_granted_directories_alone_and_never_written() {
    let directory = tempfile::tempdir().unwrap();
    let (open, closed) = (directory.path().join("open"), directory.path().join("closed"));
    for folder in [&open, &closed] {
        std::fs::create_dir(folder).unwrap();
        std::fs::write(folder.join("file"), "contents").unwrap();
    }
    std::os::unix::fs::symlink(closed.join("file"), open.join("link")).unwrap();
    let path = |folder: &std::path::Path, name: &str| folder.join(name).display().to_string();
    let inside = path(&open, "file");
    let outside =
        [path(&closed, "file"), path(&open, "link"), path(&open, "../closed/file"), "/etc/passwd".to_owned()];
    let host = Host::new();
    let mut spec = spec("env", "{}");
    spec.grants.read = vec![open.clone()];
    let granted = host.load(spec).await;
    let bare = host.fixture("env", "{}").await;
    let words = ["cat", &inside, &outside.join(" ")].join(" ");

    let told: BTreeMap<_, _> =
        decide(&[&granted], &words).await.opinions.remove(0).notes.into_iter().collect();
    assert_eq!(told[&inside], "read contents");
    assert_eq!(told[&format!("{inside} write")], "refused");
    for path in &outside {
        assert_eq!(
            (told[path].as_str(), told[&format!("{path} write")].as_str()),
            ("refused", "refused"),
            "{path}"
        );
    }
    let told: BTreeMap<_, _> = decide(&[&bare], &words).await.opinions.remove(0).notes.into_iter().collect();
    assert_eq!(told[&inside], "refused");
    assert_eq!((told["wasi-env"].as_str(), told["wasi-args"].as_str(), told["env"].as_str()), ("0", "0", ""));
    assert_eq!(std::fs::read_to_string(open.join("file")).unwrap(), "contents");
}

#[tokio::test]
async fn a_directory_that_cannot_be_granted_is_named_at_once() {
    let host = Host::new();
    let mut spec = spec("env", "{}");
    spec.grants.read = vec!["/no/such/directory".into()];
    match host.try_load(spec).await.unwrap_err() {
        LoadError::Grant { plugin, path, .. } => {
            assert_eq!((plugin.as_str(), path.as_str()), ("env", "/no/such/directory"));
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn the_salt_is_one_for_all_plugins_of_a_run_and_another_for_the_next() {
    let salt = async |host: &Host| {
        let env = host.load(weir_plugin::PluginSpec::new("env", Source::File(prebuilt("fixture-env")))).await;
        let told: BTreeMap<_, _> = decide(&[&env], "ls").await.opinions.remove(0).notes.into_iter().collect();
        told["salt"].clone()
    };
    let (host, other) = (Host::new(), Host::new());
    let salts = [salt(&host).await, salt(&host).await, salt(&other).await];
    assert_eq!(salts[0], salts[1]);
    assert_ne!(salts[0], salts[2]);
}

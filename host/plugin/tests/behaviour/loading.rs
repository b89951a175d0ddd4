//! What is refused at load, in which order, and what the person is told.

use std::path::{Path, PathBuf};

use weir_plugin::{Format, Kind, LoadError, Need, PluginSpec, Source, inspect};

use super::assembly::{Component, core_module};
use super::support::{Host, prebuilt, spec};

/// Tries to load these bytes as a plugin named `p`.
async fn load(host: &Host, bytes: &[u8]) -> LoadError {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    load_file(host, file.path()).await
}

async fn load_file(host: &Host, path: &Path) -> LoadError {
    let spec = PluginSpec::new("p", Source::File(path.to_owned()));
    let error = host.try_load(spec).await.map(|plugin| plugin.name().to_owned()).unwrap_err();
    assert_eq!(error.plugin(), "p");
    assert!(error.to_string().starts_with("plugin `p`: "), "{error}");
    error
}

#[tokio::test]
async fn a_file_that_is_none_is_named() {
    let host = Host::new();
    let directory = tempfile::tempdir().unwrap();
    let pipe = directory.path().join("pipe");
    rustix::fs::mknodat(rustix::fs::CWD, &pipe, rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    for (path, expected) in [
        (directory.path().join("missing"), "No such file"),
        (directory.path().to_owned(), "expected a regular file"),
        (pipe, "expected a regular file"),
        (PathBuf::from("/dev/zero"), "expected a regular file"),
    ] {
        let error = load_file(&host, &path).await;
        assert!(matches!(error, LoadError::Unreadable { .. }), "{error}");
        let text = error.to_string();
        assert!(text.contains(expected) && text.contains(&path.display().to_string()), "{text}");
    }
}

#[tokio::test]
async fn a_component_over_the_limit_is_not_read() {
    let host = Host::new();
    let mut spec = spec("upper", "{}");
    spec.limits.component_bytes = 1000;
    let seen = std::fs::metadata(prebuilt("fixture-upper")).unwrap().len();
    match host.try_load(spec).await.unwrap_err() {
        LoadError::TooLarge { limit, seen: told, .. } => assert_eq!((limit, told), (1000, seen)),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn what_is_no_component_is_called_what_it_is() {
    let host = Host::new();
    assert!(matches!(load(&host, &core_module(&[])).await, LoadError::CoreModule { .. }));
    for (bytes, expected) in [
        (&b""[..], "an empty file"),
        (b"#!/bin/sh\necho", "text that begins with `#!/bin/s`"),
        (b"(component)", "the text format (WAT)"),
        (b"\x7fELF\x02\x01\x01\0", "a native program (ELF)"),
        (b"\xca\xfe\xba\xbe\0\0\0\x34", "bytes cafebabe00000034"),
    ] {
        let error = load(&host, bytes).await;
        assert!(matches!(error, LoadError::NotWasm { .. }), "{error}");
        assert!(error.to_string().contains(expected), "{error}");
    }
    let upper = std::fs::read(prebuilt("fixture-upper")).unwrap();
    let error = load(&host, &upper[..upper.len() / 2]).await;
    assert!(matches!(error, LoadError::Malformed { .. }), "{error}");
}

#[tokio::test]
async fn compiled_code_is_never_taken_from_a_person() {
    let directory = tempfile::tempdir().unwrap();
    let host = Host::with_cache(Some(directory.path().join("cache")));
    host.fixture("upper", "{}").await;
    let compiled = std::fs::read_dir(directory.path().join("cache")).unwrap().next().unwrap().unwrap().path();
    assert!(matches!(load_file(&host, &compiled).await, LoadError::NotWasm { .. }));
}

#[tokio::test]
async fn another_digest_than_the_pinned_one_is_refused_with_both() {
    let host = Host::new();
    let mut spec = spec("upper", "{}");
    spec.sha256 = Some([0xab; 32]);
    let expected = "ab".repeat(32);
    let loaded = host.fixture("upper", "{}").await;
    match host.try_load(spec.clone()).await.unwrap_err() {
        LoadError::Digest { expected: told, seen, .. } => {
            assert_eq!((told, seen.as_str()), (expected, loaded.digest()));
        }
        other => panic!("{other}"),
    }
    let mut pin = [0; 32];
    for (byte, pair) in pin.iter_mut().zip(loaded.digest().as_bytes().chunks(2)) {
        *byte = u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
    }
    spec.sha256 = Some(pin);
    host.load(spec).await;
}

#[tokio::test]
async fn another_version_of_the_interface_is_refused_with_both_versions() {
    let host = Host::new();
    for (component, expected_name, expected_seen) in [
        (Component::new().import("weir:plugin/host@0.2.0"), "weir:plugin/host@0.2.0", "0.2.0"),
        (Component::new().import("weir:plugin/host"), "weir:plugin/host", "none"),
        (
            Component::new().export("weir:plugin/policy@1.4.0", &["check"]),
            "weir:plugin/policy@1.4.0",
            "1.4.0",
        ),
        // The version comes before everything else that is wrong.
        (
            Component::new().import("acme:x/y@1.0.0").import("weir:plugin/host@0.3.1"),
            "weir:plugin/host@0.3.1",
            "0.3.1",
        ),
    ] {
        match load(&host, &component.bytes()).await {
            LoadError::WrongVersion { name, expected, seen, .. } => {
                assert_eq!(
                    (name.as_str(), expected.as_str(), seen.as_str()),
                    (expected_name, "0.1.x", expected_seen)
                );
            }
            other => panic!("{other}"),
        }
    }
}

#[tokio::test]
async fn imports_that_are_not_offered_are_refused_by_name() {
    let host = Host::new();
    for (import, granted_never) in [
        ("wasi:sockets/tcp@0.2.0", true),
        ("wasi:http/outgoing-handler@0.2.3", true),
        ("wasi:cli/environment@0.3.0", false),
        ("acme:things/part@1.0.0", false),
        ("do-something", false),
    ] {
        let error = load(&host, &Component::new().import(import).bytes()).await;
        match &error {
            LoadError::NotGranted { import: told, .. } => assert!(told == import && granted_never, "{error}"),
            LoadError::ForeignImport { import: told, .. } => {
                assert!(told == import && !granted_never, "{error}")
            }
            other => panic!("{other}"),
        }
    }
}

const INIT: &str = "weir:plugin/plugin@0.1.0";
const POLICY: &str = "weir:plugin/policy@0.1.0";

#[tokio::test]
async fn an_import_of_a_known_name_and_another_type_is_refused() {
    let host = Host::new();
    let component = Component::new().import_function("weir:plugin/host@0.1.0", "salt");
    let error = load(&host, &component.export(INIT, &["init"]).export(POLICY, &["check"]).bytes()).await;
    assert!(matches!(error, LoadError::Link { .. }), "{error}");
    assert!(error.to_string().contains("salt"), "{error}");
}

#[tokio::test]
async fn exports_of_the_right_name_and_another_type_are_refused() {
    let host = Host::new();
    // `check` is not there: seen before anything runs.
    let component = Component::new().export(INIT, &["init"]).export(POLICY, &[]);
    match load(&host, &component.bytes()).await {
        LoadError::TypeMismatch { interface, detail, .. } => {
            assert_eq!(interface, POLICY);
            assert!(detail.contains("check"), "{detail}");
        }
        other => panic!("{other}"),
    }
    // Both are there with other types: seen when an instance is tried.
    let component = Component::new().export(INIT, &["init"]).export(POLICY, &["check"]);
    match load(&host, &component.bytes()).await {
        LoadError::TypeMismatch { interface, .. } => assert_eq!(interface, INIT),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_component_that_is_nothing_is_refused_and_one_that_is_something_else_says_what() {
    let host = Host::new();
    assert!(matches!(load(&host, &Component::new().bytes()).await, LoadError::MissingInit { .. }));
    let init = Component::new().export(INIT, &["init"]);
    assert!(matches!(load(&host, &init.bytes()).await, LoadError::NoKind { .. }));
    let mut spec = spec("upper", "{}");
    spec.kinds = Some(vec![Kind::Filter, Kind::Policy]);
    let error = host.try_load(spec).await.unwrap_err();
    assert!(matches!(error, LoadError::MissingExport { kind: Kind::Policy, .. }), "{error}");
    assert!(
        error.to_string().contains("saw `weir:plugin/filter@0.1.0`, `weir:plugin/plugin@0.1.0`"),
        "{error}"
    );
}

#[tokio::test]
async fn a_component_that_is_not_valid_or_uses_what_is_off_is_refused() {
    let host = Host::new();
    // The limits of a memory: 64-bit, then shared.
    for memory in [&[0x04, 1][..], &[0x03, 1, 1]] {
        let component =
            Component::new().core_memory(memory).export(INIT, &["init"]).export(POLICY, &["check"]);
        let error = load(&host, &component.bytes()).await;
        assert!(matches!(error, LoadError::Compile { .. }), "{memory:?}: {error}");
    }
}

#[tokio::test]
async fn a_configuration_that_a_plugin_refuses_is_told_in_its_words() {
    let host = Host::new();
    match host.try_load(spec("upper", r#"{"nonsense": 1}"#)).await.unwrap_err() {
        LoadError::Refused { code, message, .. } => {
            assert_eq!(code, "bad-config");
            assert!(message.contains("nonsense"), "{message}");
        }
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn memory_that_a_component_starts_with_counts() {
    let host = Host::new();
    let mut spec = spec("upper", "{}");
    spec.limits.memory_bytes = 64 << 10;
    let error = host.try_load(spec).await.unwrap_err();
    assert!(error.to_string().contains("expected at most 65536 (`memoryBytes`)"), "{error}");
}

#[tokio::test]
async fn a_loaded_plugin_says_what_it_is() {
    let host = Host::new();
    let all = host.fixture("hostile", "{}").await;
    assert_eq!(all.kinds(), Kind::ALL);
    assert_eq!((all.name(), all.generation(), all.digest().len()), ("hostile", 1, 64));
    let mut spec = spec("hostile", "{}");
    spec.kinds = Some(vec![Kind::Summary, Kind::Summary]);
    assert_eq!(host.load(spec).await.kinds(), [Kind::Summary]);
    let builtin: &'static [u8] = std::fs::read(prebuilt("fixture-upper")).unwrap().leak();
    let spec = PluginSpec::new("b", Source::Builtin { name: "upper", component: builtin });
    assert_eq!(host.load(spec).await.kinds(), [Kind::Filter]);
}

#[test]
fn an_inspection_tells_what_a_component_is_without_running_it() {
    let found = inspect(&std::fs::read(prebuilt("fixture-upper")).unwrap()).unwrap();
    assert_eq!(
        (found.format, &found.kinds[..], found.has_init),
        (Format::Component, &[Kind::Filter][..], true)
    );
    assert_eq!(found.wit_version.as_deref(), Some("0.1.0"));
    let host = found.imports.iter().find(|import| import.name == "weir:plugin/host@0.1.0").unwrap();
    assert_eq!(host.need, Need::Nothing);
    assert!(
        found
            .imports
            .iter()
            .all(|import| matches!(import.need, Need::Nothing | Need::Empty | Need::ReadGrant))
    );
    assert!(found.code_bytes > 0 && found.code_bytes + found.data_bytes + found.custom_bytes < found.bytes);
    let core = inspect(&core_module(&[])).unwrap();
    assert_eq!((core.format, core.kinds.len()), (Format::CoreModule, 0));
    let foreign = inspect(&Component::new().import("wasi:http/types@0.2.0").bytes()).unwrap();
    assert_eq!((foreign.imports[0].need, foreign.wit_version), (Need::Refused, None));
}

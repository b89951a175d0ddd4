//! `weir plugin bench` and `weir plugin list`

use weir_tests::Launch;

use super::{Place, line, prebuilt};

pub(crate) fn bench_measures_every_kind(launch: Launch) {
    let place = Place::new(launch);
    let config = r#"{"do": "trap", "hook": "nowhere"}"#;
    let finished = place.weir(&["bench", &prebuilt("fixture-hostile"), "--plugin-config", config]);
    assert_eq!((finished.status, finished.stderr.as_str()), (0, ""), "{finished:?}");
    for (name, expected) in [
        ("load cold", "of which compiling"),
        ("load cached", "s"),
        ("instance", "for `init`"),
        ("verdict", "p99"),
        ("filter", "MiB/s"),
        ("stream", "for the end"),
        ("summary", "MiB/s"),
    ] {
        assert!(line(&finished, name).contains(expected), "{name}: {finished:?}");
    }
    let finished = place.weir(&[
        "bench",
        &prebuilt("fixture-hostile"),
        "--plugin-config",
        r#"{"do": "trap", "hook": "check"}"#,
    ]);
    super::fails_with(&finished, "failed in `check` (trap)");
}

pub(crate) fn list_tells_what_the_configuration_loads(launch: Launch) {
    let place = Place::new(launch);
    let none = place.weir(&["list", "--no-config"]);
    assert_eq!((none.status, line(&none, "file")), (0, "none: no plugins, every command is allowed"));
    for name in ["rules", "redact", "tidy", "headtail", "tests"] {
        assert!(none.stdout.contains(&format!("builtin:{name}: ")), "{none:?}");
    }
    let upper = prebuilt("fixture-upper");
    place.write(
        "weir.toml",
        format!(
            "default = \"ask\"\n[[plugin]]\nname = \"loud\"\nsource = \"{upper}\"\n\
             grants = {{ env = [\"HOME\"] }}\nlimits = {{ timeMs = 321 }}\n[views]\nbig = [\"loud\"]\n"
        ),
    );
    let finished = place.weir(&["list"]);
    assert_eq!((finished.status, finished.stderr.as_str()), (0, ""), "{finished:?}");
    assert!(line(&finished, "file").ends_with("/weir.toml"), "{finished:?}");
    assert_eq!(line(&finished, "default"), "ask");
    assert_eq!(line(&finished, "plugin"), "loud");
    assert_eq!(line(&finished, "source"), upper);
    assert_eq!(line(&finished, "kinds"), "filter");
    assert_eq!(line(&finished, "sha256").len(), 64);
    assert_eq!(line(&finished, "views"), "big");
    assert_eq!(line(&finished, "grants"), "variable HOME");
    assert!(line(&finished, "limits").starts_with("timeMs 321, initTimeMs 1000,"), "{finished:?}");
}

pub(crate) fn list_tells_what_is_broken(launch: Launch) {
    let place = Place::new(launch);
    place.write("weir.toml", "[[plugin]]\nsource = \"missing.wasm\"\n");
    let finished = place.weir(&["list"]);
    assert_eq!(finished.status, 1, "{finished:?}");
    assert!(line(&finished, "BROKEN").contains("weir.toml:1: plugin `missing`: cannot read"), "{finished:?}");
    place.write("weir.toml", "[[plugin]]\nsorce = \"missing.wasm\"\n");
    super::fails_with(&place.weir(&["list"]), "weir.toml:2: unknown field `sorce`");
}

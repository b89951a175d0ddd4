//! `weir plugin new`

use std::collections::BTreeSet;
use std::path::Path;

use serde_json::Value;
use weir_tests::Launch;

use super::Place;

const LANGUAGES: [(&str, &[&str], &[&str]); 4] = [
    (
        "rust",
        &["policy", "filter", "summary"],
        &["Cargo.toml", "src/lib.rs", ".cargo/config.toml", ".gitignore"],
    ),
    ("c", &["policy", "filter"], &["Makefile", "plugin.c", "config.c", "config.h", ".gitignore"]),
    (
        "js",
        &["policy", "filter", "summary"],
        &["package.json", "build.js", "plugin.js", "test.js", ".gitignore"],
    ),
    (
        "python",
        &["policy", "filter", "summary"],
        &["requirements.txt", "app.py", "test_plugin.py", ".gitignore"],
    ),
];
const WIT: [&str; 7] =
    ["filter.wit", "host.wit", "plugin.wit", "policy.wit", "summary.wit", "types.wit", "world.wit"];

fn files_below(folder: &Path) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in std::fs::read_dir(next).expect("a folder") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else {
                found
                    .insert(path.strip_prefix(folder).expect("below it").to_str().expect("UTF-8").to_owned());
            }
        }
    }
    found
}

pub(crate) fn new_writes_whole_plugins_of_every_kind_and_language(launch: Launch) {
    let place = Place::new(launch);
    for (language, kinds, own) in LANGUAGES {
        for kind in kinds {
            let name = format!("{language}-{kind}");
            let finished = place.weir(&["new", &name, "--kind", kind, "--lang", language]);
            assert_eq!((finished.status, finished.stderr.as_str()), (0, ""), "{name}");
            let files = files_below(&place.path(&name));
            let wit = WIT.map(|file| format!("wit/{file}"));
            let common = ["README.md", "cases.json", "weir.toml"].map(str::to_owned);
            for file in wit.iter().chain(&common).cloned().chain(own.iter().map(|file| (*file).to_owned())) {
                assert!(files.contains(&file), "{name}: expected {file}, saw {files:?}");
                assert!(
                    finished.stdout.contains(&format!("  {file}\n")),
                    "{name}: {file} is told: {finished:?}"
                );
            }
            let readme = place.read(&format!("{name}/README.md"));
            for part in [&format!("A {kind} for Weir"), "weir plugin check", "weir plugin test"] {
                assert!(readme.contains(part), "{name}: expected `{part}` in {readme}");
            }
            let cases: Value =
                serde_json::from_str(&place.read(&format!("{name}/cases.json"))).expect("JSON");
            assert!(cases["cases"].as_array().is_some_and(|cases| cases.len() > 1), "{name}: {cases}");
        }
    }
}

pub(crate) fn new_puts_the_name_everywhere(launch: Launch) {
    let place = Place::new(launch);
    for (language, kinds, _) in LANGUAGES {
        for kind in kinds {
            let folder = format!("in-{language}-{kind}");
            let finished =
                place.weir(&["new", "keep-out", "--kind", kind, "--lang", language, "--path", &folder]);
            assert_eq!(finished.status, 0, "{finished:?}");
            for file in files_below(&place.path(&folder)) {
                let text = place.read(&format!("{folder}/{file}"));
                for left in ["my-plugin", "my_plugin"] {
                    assert!(!text.contains(left), "{folder}/{file}: {left}");
                }
            }
            assert!(place.read(&format!("{folder}/weir.toml")).contains("name = \"keep-out\""));
        }
    }
    assert!(place.read("in-rust-policy/Cargo.toml").contains("name = \"keep-out\""));
    assert!(place.read("in-rust-policy/weir.toml").contains("release/keep_out.wasm"));
}

pub(crate) fn new_overwrites_nothing(launch: Launch) {
    let place = Place::new(launch);
    assert_eq!(place.weir(&["new", "mine", "--kind", "filter"]).status, 0);
    place.write("mine/src/lib.rs", "// changed");
    let finished = place.weir(&["new", "mine", "--kind", "filter"]);
    assert_eq!(finished.status, 125, "{finished:?}");
    assert!(finished.stderr.contains("expected an empty folder"), "{finished:?}");
    assert_eq!(place.read("mine/src/lib.rs"), "// changed");
}

pub(crate) fn new_refuses_what_it_cannot_write(launch: Launch) {
    let place = Place::new(launch);
    for (words, status, expected) in [
        (&["new", "My_Plugin", "--kind", "filter"][..], 125, "saw `My_Plugin`"),
        (&["new", "../up", "--kind", "filter"], 125, "saw `../up`"),
        (
            &["new", "mine", "--kind", "summary", "--lang", "c"],
            125,
            "expected --kind policy or --kind filter",
        ),
        (&["new", "mine", "--kind", "judge"], 2, "judge"),
        (&["new", "mine", "--kind", "policy", "--lang", "cobol"], 2, "cobol"),
    ] {
        let finished = place.weir(words);
        assert_eq!(finished.status, status, "{words:?}: {finished:?}");
        assert!(finished.stderr.contains(expected), "{words:?}: {finished:?}");
    }
    assert_eq!(files_below(place.folder.path()), BTreeSet::new());
}

pub(crate) fn a_template_has_the_interface_of_this_host(launch: Launch) {
    let place = Place::new(launch);
    assert_eq!(place.weir(&["new", "mine", "--kind", "filter", "--lang", "c"]).status, 0);
    for file in WIT {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../wit").join(file);
        let own = std::fs::read_to_string(path).expect("the interface");
        assert_eq!(place.read(&format!("mine/wit/{file}")), own, "{file}");
    }
}

pub(crate) fn the_configuration_of_a_template_is_sound(launch: Launch) {
    let place = Place::new(launch);
    for (language, kinds, _) in LANGUAGES {
        for kind in kinds {
            let name = format!("{language}-{kind}");
            assert_eq!(place.weir(&["new", &name, "--kind", kind, "--lang", language]).status, 0);
            // The file is read to its end; only the component is not built yet.
            let finished =
                place.weir(&["check", &format!("plugin:{name}"), "--config", &format!("{name}/weir.toml")]);
            super::fails_with(&finished, &format!("plugin `{name}`: cannot read"));
        }
    }
}

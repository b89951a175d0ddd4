//! What `weir plugin new` writes. The files are those of `plugins/templates`, with the plugin's name in the place of
//! `my-plugin`, and those of `wit/`.

use super::super::{KindWord, Language};

/// A file of the repository.
macro_rules! repository {
    ($path:literal) => {
        include_str!(concat!("../../../../../../", $path))
    };
}

/// Files of a template: where they are written, and their text.
macro_rules! files {
    ($folder:literal: $($source:literal => $target:literal),* $(,)?) => {
        &[$(($target, include_str!(concat!("../../../../../../plugins/templates/", $folder, "/", $source)))),*]
    };
}

/// The interface, as authors get it.
pub(super) const WIT: [(&str, &str); 7] = [
    ("wit/filter.wit", repository!("wit/filter.wit")),
    ("wit/host.wit", repository!("wit/host.wit")),
    ("wit/plugin.wit", repository!("wit/plugin.wit")),
    ("wit/policy.wit", repository!("wit/policy.wit")),
    ("wit/summary.wit", repository!("wit/summary.wit")),
    ("wit/types.wit", repository!("wit/types.wit")),
    ("wit/world.wit", repository!("wit/world.wit")),
];

type Files = &'static [(&'static str, &'static str)];

/// A language and a kind.
pub(super) struct Template {
    /// As people write it.
    pub(super) language: &'static str,
    kind: KindWord,
    /// The component, once it is built, seen from the plugin's folder.
    component: &'static str,
    /// What has to stand in the configuration, since the defaults are for small components.
    limits: &'static str,
    common: Files,
    own: Files,
}

const RUST: Files = files!("rust":
    "README.md" => "README.md",
    "cargo/config.toml" => ".cargo/config.toml",
    "gitignore" => ".gitignore",
);
const RUST_POLICY: Files = files!("rust/policy":
    "Cargo.toml" => "Cargo.toml",
    "lib.rs" => "src/lib.rs",
    "deny_list.rs" => "src/deny_list.rs",
);
const RUST_FILTER: Files = files!("rust/filter":
    "Cargo.toml" => "Cargo.toml",
    "lib.rs" => "src/lib.rs",
    "replacer.rs" => "src/replacer.rs",
);
const RUST_SUMMARY: Files = files!("rust/summary":
    "Cargo.toml" => "Cargo.toml",
    "lib.rs" => "src/lib.rs",
    "findings.rs" => "src/findings.rs",
);
const C: Files = files!("c":
    "README.md" => "README.md",
    "Makefile" => "Makefile",
    "gitignore" => ".gitignore",
    "config.c" => "config.c",
    "config.h" => "config.h",
);
const C_POLICY: Files = files!("c/policy": "plugin.c" => "plugin.c");
const C_FILTER: Files = files!("c/filter": "plugin.c" => "plugin.c");
const JS: Files = files!("js":
    "README.md" => "README.md",
    "package.json" => "package.json",
    "build.js" => "build.js",
    "report.js" => "report.js",
    "gitignore" => ".gitignore",
);
const JS_POLICY: Files = files!("js/policy":
    "plugin.js" => "plugin.js",
    "deny-list.js" => "deny-list.js",
    "test.js" => "test.js",
);
const JS_FILTER: Files = files!("js/filter":
    "plugin.js" => "plugin.js",
    "replacer.js" => "replacer.js",
    "test.js" => "test.js",
);
const JS_SUMMARY: Files = files!("js/summary":
    "plugin.js" => "plugin.js",
    "findings.js" => "findings.js",
    "test.js" => "test.js",
);
const PYTHON: Files = files!("python":
    "README.md" => "README.md",
    "requirements.txt" => "requirements.txt",
    "report.py" => "report.py",
    "gitignore" => ".gitignore",
);
const PYTHON_POLICY: Files = files!("python/policy":
    "app.py" => "app.py",
    "deny_list.py" => "deny_list.py",
    "test_plugin.py" => "test_plugin.py",
);
const PYTHON_FILTER: Files = files!("python/filter":
    "app.py" => "app.py",
    "filter.py" => "filter.py",
    "replacer.py" => "replacer.py",
    "test_plugin.py" => "test_plugin.py",
);
const PYTHON_SUMMARY: Files = files!("python/summary":
    "app.py" => "app.py",
    "findings.py" => "findings.py",
    "test_plugin.py" => "test_plugin.py",
);

/// What is recommended for interpreters: more time and memory than the defaults, which are for compiled code.
const JS_LIMITS: &str = repository!("plugins/templates/js/limits.toml");
const PYTHON_LIMITS: &str = repository!("plugins/templates/python/limits.toml");

impl Template {
    /// None where there is no such template.
    pub(super) fn find(language: Language, kind: KindWord) -> Option<Self> {
        let (name, component, limits, common, [policy, filter, summary]) = match language {
            Language::Rust => (
                "Rust",
                "target/wasm32-wasip2/release/my_plugin.wasm",
                "",
                RUST,
                [Some(RUST_POLICY), Some(RUST_FILTER), Some(RUST_SUMMARY)],
            ),
            Language::C => ("C", "my-plugin.wasm", "", C, [Some(C_POLICY), Some(C_FILTER), None]),
            Language::Js => (
                "JavaScript",
                "my-plugin.wasm",
                JS_LIMITS,
                JS,
                [Some(JS_POLICY), Some(JS_FILTER), Some(JS_SUMMARY)],
            ),
            Language::Python => (
                "Python",
                "my-plugin.wasm",
                PYTHON_LIMITS,
                PYTHON,
                [Some(PYTHON_POLICY), Some(PYTHON_FILTER), Some(PYTHON_SUMMARY)],
            ),
        };
        let own = match kind {
            KindWord::Policy => policy,
            KindWord::Filter => filter,
            KindWord::Summary => summary,
        };
        own.map(|own| Self { language: name, kind, component, limits, common, own })
    }

    /// The files with their paths, for a plugin of this name.
    pub(super) fn files(&self, name: &str) -> Vec<(String, String)> {
        let (cases, about) = match self.kind {
            KindWord::Policy => (
                repository!("plugins/templates/policy/cases.json"),
                repository!("plugins/templates/policy/README.md"),
            ),
            KindWord::Filter => (
                repository!("plugins/templates/filter/cases.json"),
                repository!("plugins/templates/filter/README.md"),
            ),
            KindWord::Summary => (
                repository!("plugins/templates/summary/cases.json"),
                repository!("plugins/templates/summary/README.md"),
            ),
        };
        let configuration = match self.kind {
            KindWord::Policy => repository!("plugins/templates/policy/weir.toml"),
            KindWord::Filter => repository!("plugins/templates/filter/weir.toml"),
            KindWord::Summary => repository!("plugins/templates/summary/weir.toml"),
        };
        let snake = name.replace('-', "_");
        let fill = |text: &str| {
            text.replace("@about@\n", about)
                .replace("@limits@\n", self.limits)
                .replace("@component@", self.component)
                .replace("@kind@", self.kind.kind().word())
                .replace("my-plugin", name)
                .replace("my_plugin", &snake)
        };
        let shared = [("cases.json", cases), ("weir.toml", configuration)];
        let files = self.common.iter().chain(self.own).chain(&shared);
        files.map(|(path, text)| ((*path).to_owned(), fill(text))).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_left_to_be_filled_in() {
        for language in [Language::Rust, Language::C, Language::Js, Language::Python] {
            for kind in [KindWord::Policy, KindWord::Filter, KindWord::Summary] {
                let Some(template) = Template::find(language, kind) else {
                    assert_eq!((language, kind), (Language::C, KindWord::Summary));
                    continue;
                };
                for (path, text) in template.files("deny-it") {
                    for left in ["my-plugin", "my_plugin", "@about@", "@limits@", "@component@", "@kind@"] {
                        assert!(!text.contains(left), "{language:?} {kind:?} {path}: {left}");
                    }
                }
            }
        }
    }
}

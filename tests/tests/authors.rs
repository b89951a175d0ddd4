//! What `weir plugin` offers to authors: through the real binary, on real components and on files that are none.

#[path = "authors/check.rs"]
mod check;
#[path = "authors/measure.rs"]
mod measure;
#[path = "authors/new.rs"]
mod new;
#[path = "authors/run_cases.rs"]
mod run_cases;

use std::fs;
use std::path::{Path, PathBuf};

use tempfile::TempDir;
use weir_tests::{CommandLine, Finished, Launch};

use check::*;
use measure::*;
use new::*;
use run_cases::*;

weir_tests::binary_only!(
    new_writes_whole_plugins_of_every_kind_and_language,
    new_puts_the_name_everywhere,
    new_overwrites_nothing,
    new_refuses_what_it_cannot_write,
    a_template_has_the_interface_of_this_host,
    the_configuration_of_a_template_is_sound,
    check_tells_what_a_component_is_and_tries_it,
    check_takes_compiled_code_from_the_cache,
    check_names_what_is_no_plugin,
    check_names_the_import_that_is_foreign,
    check_hands_the_configuration_over,
    check_names_the_limit_and_the_call,
    check_takes_plugins_out_of_the_configuration,
    check_tries_what_comes_with_the_host,
    policies_are_compared_with_their_cases,
    a_rewritten_command_is_compared,
    filters_give_the_same_however_the_input_is_cut,
    a_filter_that_depends_on_the_cut_is_found,
    a_trap_fails_its_case_alone,
    summaries_are_compared_with_their_cases,
    variables_are_granted_to_cases,
    bad_case_files_are_refused_by_name,
    bench_measures_every_kind,
    list_tells_what_the_configuration_loads,
    list_tells_what_is_broken,
);

/// A place for one test: a folder to stand in, and a cache of its own.
struct Place {
    launch: Launch,
    folder: TempDir,
}

impl Place {
    fn new(launch: Launch) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = folder.path().join("cache");
        let launch = launch
            .cwd(folder.path())
            .env("XDG_CACHE_HOME", cache.to_str().expect("UTF-8"))
            .env("XDG_CONFIG_HOME", folder.path().to_str().expect("UTF-8"));
        Self { launch, folder }
    }

    /// Runs `weir plugin` to its end.
    #[track_caller]
    fn weir(&self, words: &[&str]) -> Finished {
        let words: Vec<&str> = ["plugin"].into_iter().chain(words.iter().copied()).collect();
        CommandLine::start(&self.launch, &words, b"").finish()
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> String {
        fs::write(self.path(name), bytes).expect("a file");
        name.to_owned()
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
    }
}

/// A component that was built from `plugins/`.
fn prebuilt(name: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../plugins/prebuilt").join(format!("{name}.wasm"));
    assert!(path.is_file(), "expected {}: build it with .ci/guests", path.display());
    path.to_str().expect("UTF-8").to_owned()
}

/// Exit status 1, the text on stderr, and nothing that looks like a fault of the host's own.
#[track_caller]
fn fails_with(finished: &Finished, text: &str) {
    assert_eq!(finished.status, 1, "{finished:?}");
    assert!(finished.stderr.contains(text), "expected `{text}` on stderr, saw {finished:?}");
}

/// What stands in the line that begins with a name.
#[track_caller]
fn line<'f>(finished: &'f Finished, name: &str) -> &'f str {
    let found = finished.stdout.lines().find_map(|line| {
        let (first, rest) = line.split_at_checked(name.len())?;
        (first == name && rest.starts_with(' ')).then(|| rest.trim_start())
    });
    found.unwrap_or_else(|| panic!("expected a line `{name}`, saw {finished:?}"))
}

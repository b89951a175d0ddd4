//! The environment that a command gets: what it inherits, and what is taken out.

use std::ffi::{OsStr, OsString};

use wildmatch::WildMatch;

/// One variable.
pub type Variable = (OsString, OsString);

/// Variables that a command needs to find its way on a machine, and that carry no authority.
const CORE: &[&str] =
    &["HOME", "LANG", "LC_*", "LOGNAME", "PATH", "SHELL", "TEMP", "TMP", "TMPDIR", "TZ", "USER", "USERNAME"];

/// Names that look like those of credentials.
const CREDENTIALS: &[&str] = &["*KEY*", "*SECRET*", "*TOKEN*"];

/// Which variables are inherited.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Inherit {
    /// Every one.
    All,
    /// `HOME`, `LANG`, `LC_*`, `LOGNAME`, `PATH`, `SHELL`, `TEMP`, `TMP`, `TMPDIR`, `TZ`, `USER` and `USERNAME`.
    #[default]
    Core,
    /// None.
    Nothing,
}

/// How an environment is made. The steps are applied in the order of the members; patterns know `*` and `?` and do
/// not look at case.
#[derive(Debug, Clone, Default)]
pub struct EnvPolicy {
    /// What to begin with.
    pub inherit: Inherit,
    /// Variables of the host's own choice: laid over what is inherited, as if they were inherited like it. Left out
    /// where nothing is. What is inherited stays where `include_only` has its very name: that was asked for.
    pub defaults: Vec<Variable>,
    /// Keep inherited variables whose names look like credentials (`*KEY*`, `*SECRET*`, `*TOKEN*`).
    pub ignore_default_excludes: bool,
    /// Names to take out.
    pub exclude: Vec<String>,
    /// Variables to set.
    pub set: Vec<Variable>,
    /// If not empty: the only names to keep.
    pub include_only: Vec<String>,
}

impl EnvPolicy {
    /// The environment made of `inherited`, with `overlay` laid over it as it is. Order: inherited, set, overlay;
    /// each name occurs once.
    pub fn apply(
        &self,
        inherited: impl IntoIterator<Item = Variable>,
        overlay: &[Variable],
    ) -> Vec<Variable> {
        let credentials =
            if self.ignore_default_excludes { Patterns::default() } else { Patterns::new(CREDENTIALS) };
        let (core, exclude) = (Patterns::new(CORE), Patterns::new(&self.exclude));
        let mut environment: Vec<Variable> = inherited
            .into_iter()
            .filter(|(name, _)| match self.inherit {
                Inherit::All => true,
                Inherit::Core => core.matches(name),
                Inherit::Nothing => false,
            })
            .collect();
        if self.inherit != Inherit::Nothing {
            let asked_for = |name: &OsStr| {
                self.include_only.iter().any(|only| name.eq_ignore_ascii_case(only))
                    && environment.iter().any(|(present, _)| present == name)
            };
            let defaults: Vec<_> =
                self.defaults.iter().filter(|(name, _)| !asked_for(name)).cloned().collect();
            lay_over(&mut environment, &defaults);
        }
        environment.retain(|(name, _)| !credentials.matches(name) && !exclude.matches(name));
        lay_over(&mut environment, &self.set);
        if !self.include_only.is_empty() {
            let only = Patterns::new(&self.include_only);
            environment.retain(|(name, _)| only.matches(name));
        }
        lay_over(&mut environment, overlay);
        environment
    }
}

fn lay_over(environment: &mut Vec<Variable>, variables: &[Variable]) {
    for (name, value) in variables {
        match environment.iter_mut().find(|(present, _)| present == name) {
            Some((_, old)) => old.clone_from(value),
            None => environment.push((name.clone(), value.clone())),
        }
    }
}

/// Patterns over names, compared without case.
#[derive(Default)]
struct Patterns(Vec<WildMatch>);

impl Patterns {
    fn new(patterns: &[impl AsRef<str>]) -> Self {
        Self(patterns.iter().map(|pattern| WildMatch::new_case_insensitive(pattern.as_ref())).collect())
    }

    fn matches(&self, name: &OsStr) -> bool {
        let name = name.to_string_lossy();
        self.0.iter().any(|pattern| pattern.matches(&name))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(pairs: &[(&str, &str)]) -> Vec<Variable> {
        pairs.iter().map(|(name, value)| (name.into(), value.into())).collect()
    }

    fn host() -> Vec<Variable> {
        variables(&[("PATH", "/bin"), ("LC_ALL", "C"), ("EDITOR", "vi"), ("Api_Key", "k"), ("GH_TOKEN", "t")])
    }

    #[test]
    fn core_is_inherited_by_default() {
        assert_eq!(EnvPolicy::default().apply(host(), &[]), variables(&[("PATH", "/bin"), ("LC_ALL", "C")]));
    }

    #[test]
    fn credentials_are_dropped_unless_asked_for() {
        let mut policy = EnvPolicy { inherit: Inherit::All, ..EnvPolicy::default() };
        assert_eq!(policy.apply(host(), &[]).len(), 3);
        policy.ignore_default_excludes = true;
        assert_eq!(policy.apply(host(), &[]), host());
    }

    #[test]
    fn defaults_are_laid_over_what_is_inherited_unless_that_was_asked_for_by_name() {
        let inherited = variables(&[("PATH", "/bin"), ("PAGER", "less")]);
        let policy = |inherit, include_only: &[&str]| EnvPolicy {
            inherit,
            defaults: variables(&[("PAGER", "cat"), ("TERM", "dumb")]),
            include_only: include_only.iter().map(|name| (*name).to_owned()).collect(),
            ..EnvPolicy::default()
        };
        for (policy, expected) in [
            (policy(Inherit::Core, &[]), variables(&[("PATH", "/bin"), ("PAGER", "cat"), ("TERM", "dumb")])),
            (policy(Inherit::All, &[]), variables(&[("PATH", "/bin"), ("PAGER", "cat"), ("TERM", "dumb")])),
            (policy(Inherit::All, &["PAG*", "TERM"]), variables(&[("PAGER", "cat"), ("TERM", "dumb")])),
            (policy(Inherit::All, &["pager", "TERM"]), variables(&[("PAGER", "less"), ("TERM", "dumb")])),
            // It is not what the core inherits.
            (policy(Inherit::Core, &["PAGER"]), variables(&[("PAGER", "cat")])),
            (policy(Inherit::Nothing, &[]), Vec::new()),
        ] {
            assert_eq!(policy.apply(inherited.clone(), &[]), expected, "{policy:?}");
        }
        let excluded = EnvPolicy { exclude: vec!["PAGER".into(), "T*".into()], ..policy(Inherit::All, &[]) };
        assert_eq!(excluded.apply(inherited.clone(), &[]), variables(&[("PATH", "/bin")]));
        let set = EnvPolicy { set: variables(&[("PAGER", "more")]), ..policy(Inherit::All, &["PAGER"]) };
        assert_eq!(set.apply(inherited, &[]), variables(&[("PAGER", "more")]));
    }

    #[test]
    fn the_overlay_is_taken_as_it_is() {
        let policy =
            EnvPolicy { inherit: Inherit::Nothing, include_only: vec!["X".into()], ..EnvPolicy::default() };
        let overlay = variables(&[("MY_TOKEN", "1"), ("MY_TOKEN", "2")]);
        assert_eq!(policy.apply(host(), &overlay), variables(&[("MY_TOKEN", "2")]));
    }

    #[test]
    fn set_comes_before_include_only_and_after_exclude() {
        let policy = EnvPolicy {
            inherit: Inherit::All,
            exclude: vec!["ed*".into()],
            set: variables(&[("EDITOR", "cat"), ("OTHER", "x")]),
            include_only: vec!["EDIT?R".into(), "PATH".into()],
            ..EnvPolicy::default()
        };
        assert_eq!(policy.apply(host(), &[]), variables(&[("PATH", "/bin"), ("EDITOR", "cat")]));
    }
}

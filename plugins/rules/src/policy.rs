//! The judgement: the strictest verdict over all simple commands of a script.

use crate::environment::{SYSTEM_DIRECTORIES, is_below, is_dangerous, path_is_sound, set_by_expansion};
use crate::glob::Glob;
use crate::location::Location;
use crate::model::{Decision, Request, Simple, Verdict};
use crate::neutral::{is_builtin, is_neutral};
use crate::path_list::PathList;
use crate::pattern::Match;
use crate::render;
use crate::rule::{Context, Meant, Rule, views};
use crate::script_state::directories;
use crate::wrapper::is_seen_through;

/// Rules, ready to judge.
#[derive(Clone, Debug)]
pub struct Policy {
    /// Rules that ask or deny.
    pub strict: Vec<Rule>,
    /// Rules that allow.
    pub allow: Vec<Rule>,
    /// What is said of what cannot be seen through.
    pub opaque: Verdict,
    /// Directories beside the system's whose programs may be allowed though the caller sets `PATH`.
    pub trusted: Vec<Location>,
    /// Variables that may be set with every allowed command.
    pub harmless: Vec<Glob>,
    /// Files that every allowed command may write by a redirect.
    pub writes: Option<PathList>,
}

/// What a command is to the verdict `allow`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    /// Only runs others that stand in the list.
    SeenThrough,
    /// Does no harm of itself.
    Neutral,
    /// Needs a rule.
    Plain,
}

/// A rule that asks or denies, and the command that it is about.
struct Finding<'a> {
    verdict: Verdict,
    rule: &'a Rule,
    command: &'a Simple,
    sure: bool,
}

impl Policy {
    /// Judges. Never fails: what is not understood is not allowed.
    pub fn judge(&self, request: &Request) -> Decision {
        let (cwds, lost) = directories(&request.cwd, &request.commands);
        let context = Context { cwds: &cwds, lost, commands: &request.commands, env: &request.env };
        let roles: Vec<Role> = (0..request.commands.len()).map(|index| self.role(request, index)).collect();
        let finding = self.strictest(request, &roles, &context);
        if !request.opaque.is_empty() && finding.as_ref().is_none_or(|finding| finding.verdict < self.opaque)
        {
            return self.opaque_decision(request);
        }
        if let Some(finding) = finding {
            return finding.decision();
        }
        self.allowed(request, &roles, &context)
    }

    fn role(&self, request: &Request, index: usize) -> Role {
        let command = &request.commands[index];
        let is_itself = self.program_is_itself(command, request, true).is_ok();
        if is_itself && request.opaque.is_empty() && is_seen_through(&request.commands, index, &self.harmless)
        {
            Role::SeenThrough
        } else if is_neutral(command, &self.harmless)
            && (command.argv.is_empty() || command.argv[0].text.find('/').is_none() && is_itself)
        {
            Role::Neutral
        } else {
            Role::Plain
        }
    }

    fn strictest<'a>(
        &'a self,
        request: &'a Request,
        roles: &[Role],
        context: &Context<'_>,
    ) -> Option<Finding<'a>> {
        let mut best: Option<Finding<'a>> = None;
        for (command, role) in request.commands.iter().zip(roles) {
            let views = views(command);
            for rule in &self.strict {
                let (verdict, sure) =
                    match rule.matches_strictly(command, &views, *role == Role::SeenThrough, context) {
                        Match::No => continue,
                        Match::Maybe => (rule.unsure, false),
                        Match::Yes => (rule.verdict, true),
                    };
                let least = best.as_ref().map_or(Verdict::Pass, |finding| finding.verdict);
                if verdict > least {
                    best = Some(Finding { verdict, rule, command, sure });
                    if verdict == Verdict::Deny {
                        return best;
                    }
                }
            }
        }
        best
    }

    fn opaque_decision(&self, request: &Request) -> Decision {
        let seen: Vec<String> = request.opaque.iter().take(3).map(|why| render::cut(why)).collect();
        Decision {
            verdict: self.opaque,
            reason: Some(format!(
                "part of the command cannot be seen through: {}; write what it runs as plain commands",
                seen.join("; ")
            )),
            rule: Some("opaque".to_owned()),
            notes: Vec::new(),
        }
    }

    fn allowed(&self, request: &Request, roles: &[Role], context: &Context<'_>) -> Decision {
        if !request.opaque.is_empty() {
            return pass(format!(
                "part of the command cannot be seen through: {}",
                render::cut(&request.opaque[0])
            ));
        }
        let environment = self.dangerous_environment(request);
        let mut by: Option<&Rule> = None;
        for (command, role) in request.commands.iter().zip(roles) {
            let mut kept_from = None;
            let mut rule = None;
            for candidate in &self.allow {
                let Some(meant) = candidate.matches_plainly(command, context) else {
                    continue;
                };
                let by = Some((candidate, meant));
                match self.keeps_from_allowing(command, *role, by, request, &environment, context) {
                    None => {
                        rule = Some(candidate);
                        break;
                    }
                    Some(why) => kept_from = kept_from.or(Some((candidate, why))),
                }
            }
            if rule.is_some() {
                by = by.or(rule);
                continue;
            }
            let shown = render::command(command);
            if let Some((rule, why)) = kept_from {
                return pass(format!("`{shown}` is not allowed by `{}`: {why}", rule.id));
            }
            if *role == Role::Plain {
                return pass(format!("no rule allows `{shown}`"));
            }
            if let Some(why) = self.keeps_from_allowing(command, *role, None, request, &environment, context)
            {
                return pass(format!("`{shown}` is not allowed: {why}"));
            }
        }
        match by {
            Some(rule) => Decision {
                verdict: Verdict::Allow,
                reason: rule.reason.clone(),
                rule: Some(rule.id.clone()),
                notes: Vec::new(),
            },
            None => Decision { verdict: Verdict::Pass, reason: None, rule: None, notes: Vec::new() },
        }
    }

    /// Names that the caller sets and that are dangerous; `PATH` is looked at with each program.
    fn dangerous_environment<'r>(&self, request: &'r Request) -> Vec<&'r str> {
        let sets = request.env.iter();
        sets.filter(|(name, value)| name != "PATH" && is_dangerous(name, Some(value), &self.harmless))
            .map(|(name, _)| name.as_str())
            .collect()
    }

    /// What keeps a command from being allowed that a rule, or its own harmlessness, would allow.
    fn keeps_from_allowing(
        &self,
        command: &Simple,
        role: Role,
        by: Option<(&Rule, Meant)>,
        request: &Request,
        environment: &[&str],
        context: &Context<'_>,
    ) -> Option<String> {
        let rule = by.map(|(rule, _)| rule);
        let lets_set = |name: &str| rule.is_some_and(|rule| rule.lets_set(name));
        if let Some(name) = environment.iter().find(|name| !lets_set(name)) {
            return Some(format!("the caller sets `{}`, which may change what it does", render::cut(name)));
        }
        for set in &command.assignments {
            if is_dangerous(&set.name, set.value.literal_text(), &self.harmless) && !lets_set(&set.name) {
                return Some(format!("it sets `{}`, which may change what it does", render::cut(&set.name)));
            }
        }
        let values = command.assignments.iter().map(|set| &set.value);
        let targets = command.redirects.iter().map(|redirect| &redirect.target);
        let open = command.argv.iter().chain(values).chain(targets).filter(|word| !word.literal);
        if let Some(name) = open.filter_map(|word| set_by_expansion(&word.text, &self.harmless)).next() {
            return Some(format!("an expansion in it may set `{name}`, which may change what follows"));
        }
        for redirect in &command.redirects {
            let target = &redirect.target;
            if redirect.opens_a_connection() {
                return Some(format!("`{}` opens a connection", render::cut(&target.text)));
            }
            let lists = [rule.and_then(|rule| rule.redirect.as_ref()), self.writes.as_ref()];
            let may_write = || {
                !context.lost
                    && lists.into_iter().flatten().any(|list| {
                        context.cwds.iter().all(|cwd| {
                            let places = Location::of(target, cwd);
                            places.iter().all(|place| list.surely_has(place, &context.cwds[0]))
                        })
                    })
            };
            if redirect.writes_a_file() && !may_write() {
                return Some(format!("it writes to `{}`", render::cut(&target.text)));
            }
        }
        match by.map_or(Meant::Name, |(_, meant)| meant) {
            Meant::File => None,
            Meant::Path => {
                let word = command.argv.first().map_or("", |word| word.text.as_str());
                let moved = context.lost || context.cwds.len() > 1;
                let elsewhere = word.split('/').any(|part| part == "..") || moved && !word.starts_with('/');
                elsewhere.then(|| format!("`{}` may be another file than the rule means", render::cut(word)))
            }
            Meant::Name
                if lets_set("PATH") && command.argv.first().is_some_and(|word| !word.text.contains('/')) =>
            {
                None
            }
            Meant::Name => {
                let absolute = role == Role::SeenThrough && rule.is_none();
                self.program_is_itself(command, request, absolute).err()
            }
        }
    }

    /// Whether the program is what its name says: spelled as a plain name (or, if `absolute`, as a path into a trusted
    /// directory), and, where the caller sets `PATH`, found in a trusted directory.
    fn program_is_itself(&self, command: &Simple, request: &Request, absolute: bool) -> Result<(), String> {
        let Some(word) = command.argv.first() else {
            return Ok(());
        };
        let Some(name) = word.literal_text() else {
            return Err(format!("`{}` may be any program", render::cut(&word.text)));
        };
        let resolved = command.program.as_deref();
        if name.contains('/') {
            let file = resolved.unwrap_or(name);
            return if absolute && self.is_trusted(name) && self.is_trusted(file) {
                Ok(())
            } else {
                Err(format!("`{}` is a path, and the rule means the program by its name", render::cut(name)))
            };
        }
        let mut paths = request.env.iter().filter(|(name, _)| name == "PATH").peekable();
        if paths.peek().is_none() || self.harmless.iter().any(|glob| glob.matches("PATH")) {
            return Ok(());
        }
        if !paths.all(|(_, value)| path_is_sound(value, &request.cwd)) {
            return Err("the caller sets `PATH` to directories that a command may write to".to_owned());
        }
        match resolved {
            Some(file) if self.is_trusted(file) => Ok(()),
            None if command.depth > 0 && is_builtin(name) => Ok(()),
            Some(file) => Err(format!(
                "the caller sets `PATH`, and `{}` is not in a trusted directory (see `trustedDirs`)",
                render::cut(file)
            )),
            None => Err("the caller sets `PATH`, and the program is not found in it".to_owned()),
        }
    }

    fn is_trusted(&self, file: &str) -> bool {
        SYSTEM_DIRECTORIES.iter().any(|directory| is_below(file, directory))
            || !self.trusted.is_empty() && {
                let location = Location::directory(file);
                self.trusted.iter().any(|directory| location.is_within(directory))
            }
    }
}

impl Finding<'_> {
    fn decision(&self) -> Decision {
        let shown = render::command(self.command);
        let verb = if self.verdict == Verdict::Deny { "is denied" } else { "needs to be asked for" };
        let mut reason = match self.sure {
            true => format!("`{shown}` {verb} by the rule `{}`", self.rule.id),
            false => format!(
                "`{shown}` {verb}: not all of it is known before it runs, and it may be what the rule `{}` is about",
                self.rule.id
            ),
        };
        if let Some(why) = &self.rule.reason {
            reason.push_str(": ");
            reason.push_str(why);
        }
        if !self.sure {
            reason.push_str("; write the words out instead of using expansions");
        }
        let mut notes = vec![("command".to_owned(), shown)];
        if !self.command.via.is_empty() {
            notes.push(("via".to_owned(), render::cut(&self.command.via.join(" > "))));
        }
        Decision { verdict: self.verdict, reason: Some(reason), rule: Some(self.rule.id.clone()), notes }
    }
}

fn pass(reason: String) -> Decision {
    Decision { verdict: Verdict::Pass, reason: Some(reason), rule: None, notes: Vec::new() }
}

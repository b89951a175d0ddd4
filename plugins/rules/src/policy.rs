//! The judgement: the strictest verdict over all simple commands of a script.

use crate::environment::{SYSTEM_DIRECTORIES, is_below, is_dangerous, path_is_sound, set_by_expansion};
use crate::glob::Glob;
use crate::handed::marked;
use crate::location::Location;
use crate::model::{Decision, Request, Simple, Verdict};
use crate::neutral::{is_builtin, is_neutral};
use crate::path_list::PathList;
use crate::pattern::Match;
use crate::render;
use crate::rule::{Context, Meant, Rule, views};
use crate::runner;
use crate::script_state::directories;
use crate::wrapper::is_seen_through;

/// So many rules that allow are named.
const MAX_SAID: usize = 4;

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
    /// As it was given, for showing.
    command: &'a Simple,
    matched: Match,
    /// Who hands it words that it needs to be told of.
    giver: Option<String>,
}

impl Policy {
    /// Judges. Never fails: what is not understood is not allowed.
    pub fn judge(&self, request: &Request) -> Decision {
        let (cwds, lost) = directories(&request.cwd, &request.commands);
        let marked = marked(&request.commands, &cwds, lost);
        let commands = marked.as_deref().unwrap_or(&request.commands);
        let context = Context { cwds: &cwds, lost, commands, env: &request.env };
        let roles: Vec<Role> = (0..request.commands.len()).map(|index| self.role(request, index)).collect();
        let finding = self.strictest(request, &roles, &context);
        // At the same verdict, what is surely not seen is said rather than what a rule may be about.
        let says_less = |finding: &Finding<'_>| {
            let surely = if finding.matched >= Match::Reaches { Match::Yes } else { Match::No };
            (finding.verdict, surely) < (self.opaque, Match::Yes)
        };
        if !request.opaque.is_empty() && finding.is_none() {
            let vouched = runner::vouched(request, &self.allow, &context);
            let decision = vouched.map(|request| self.judge(&request));
            if let Some(decision) = decision.filter(|decision| decision.verdict == Verdict::Allow) {
                return decision;
            }
        }
        if !request.opaque.is_empty() && finding.as_ref().is_none_or(says_less) {
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
        for ((command, given), role) in context.commands.iter().zip(&request.commands).zip(roles) {
            let views = views(command);
            // What `find` looks for are words of its own.
            let runs_others_only = *role == Role::SeenThrough && command.name() != Some("find");
            for rule in &self.strict {
                let matched = rule.matches_strictly(command, &views, runs_others_only, context);
                let verdict = match matched {
                    Match::No => continue,
                    Match::Maybe => rule.unsure,
                    Match::Unseen => rule.unseen,
                    // Not everything that is there is taken, as `find` goes by names too.
                    Match::Reaches => rule.verdict.min(rule.unsure.max(rule.unseen).max(Verdict::Ask)),
                    Match::Yes => rule.verdict,
                };
                // Of rules with the same verdict, the one that is surely about the command says it best.
                let least =
                    best.as_ref().map_or((Verdict::Pass, Match::Yes), |best| (best.verdict, best.matched));
                if (verdict, matched) > least {
                    let giver = command.handed.as_ref().map(|handed| handed.by.clone());
                    best = Some(Finding { verdict, rule, command: given, matched, giver });
                    if (verdict, matched) == (Verdict::Deny, Match::Yes) {
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
        let mut by: Vec<(&Rule, &Simple, Role)> = Vec::new();
        for ((command, given), role) in context.commands.iter().zip(&request.commands).zip(roles) {
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
            if let Some(rule) = rule {
                by.push((rule, given, *role));
                continue;
            }
            let shown = render::command(given);
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
        allowed_by(&by)
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
        let verb = if self.verdict == Verdict::Deny { "denies" } else { "asks about" };
        let mut reason = format!("the rule `{}` {verb} `{shown}`", self.rule.id);
        let giver = self.giver.as_deref();
        let program = self.command.name().map_or("it".to_owned(), |name| format!("`{}`", render::cut(name)));
        let way_out = match (self.matched, giver) {
            (Match::Unseen, Some(giver)) => {
                reason += &format!(
                    ": what `{giver}` hands over to {program} cannot be seen, and it may be what the rule is about"
                );
                "; write it out, or take it from `find`, `git ls-files` or `rg -l` in the working directory"
            }
            (Match::Reaches, Some(giver)) => {
                reason += &format!(
                    ": what `{giver}` hands over to {program} lies below a place that the rule is about"
                );
                "; begin in the working directory"
            }
            (Match::Reaches, None) => {
                reason += ": it takes a whole directory, with all that is below";
                "; name what is meant"
            }
            (Match::Maybe | Match::Unseen, _) => {
                reason.push_str(
                    ": not all of it is known before it runs, and it may be what the rule is about",
                );
                "; write the words out instead of using expansions"
            }
            (Match::No | Match::Yes, _) => "",
        };
        if let Some(why) = &self.rule.reason {
            let (before, after) = if way_out.is_empty() { (": ", "") } else { (" (", ")") };
            reason += &format!("{before}{why}{after}");
        }
        reason.push_str(way_out);
        let mut notes = vec![("command".to_owned(), shown)];
        if !self.command.via.is_empty() {
            notes.push(("via".to_owned(), render::cut(&self.command.via.join(" > "))));
        }
        Decision { verdict: self.verdict, reason: Some(reason), rule: Some(self.rule.id.clone()), notes }
    }
}

/// The rule of the first command that needs one; the reason says which rules allow the others, if they are more.
fn allowed_by(by: &[(&Rule, &Simple, Role)]) -> Decision {
    let needed: Vec<_> = by.iter().filter(|(_, _, role)| *role == Role::Plain).collect();
    let Some((rule, ..)) = needed.first().copied().or(by.first()) else {
        return Decision { verdict: Verdict::Pass, reason: None, rule: None, notes: Vec::new() };
    };
    let mut said: Vec<(&str, &Simple)> = Vec::new();
    for (rule, command, _) in needed {
        if !said.iter().any(|(id, _)| *id == rule.id) {
            said.push((&rule.id, command));
        }
    }
    let reason = match said.as_slice() {
        [] | [_] => rule.reason.clone(),
        several => {
            let each = several
                .iter()
                .take(MAX_SAID)
                .map(|(id, command)| format!("the rule `{id}` allows `{}`", render::command(command)));
            let more = if several.len() > MAX_SAID { "; and others" } else { "" };
            Some(each.collect::<Vec<_>>().join("; ") + more)
        }
    };
    Decision { verdict: Verdict::Allow, reason, rule: Some(rule.id.clone()), notes: Vec::new() }
}

fn pass(reason: String) -> Decision {
    Decision { verdict: Verdict::Pass, reason: Some(reason), rule: None, notes: Vec::new() }
}

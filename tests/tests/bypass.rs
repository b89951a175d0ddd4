//! No way around a policy: a corpus of attempts, the everyday commands that must not be in the way, and random policies
//! over random commands.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};
use weir_tests::{Host, Json, Launch, LiveProcess, PluginEntry, RpcError, listing, settings};

weir_tests::binary_only!(
    nothing_of_the_bypass_corpus_is_allowed,
    everyday_commands_are_asked_about_only_for_a_reason,
    a_random_command_runs_if_and_only_if_a_random_policy_lets_it,
);

/// The commands of a corpus, each as it is written and as words. Never to be run: only to be judged.
fn corpus(name: &str) -> Vec<(String, Vec<String>)> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpora").join(name);
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let lines = text.lines().filter(|line| !line.is_empty() && !line.starts_with("# "));
    lines.map(|line| (line.to_owned(), words(line))).collect()
}

fn words(line: &str) -> Vec<String> {
    match line.strip_prefix("argv ") {
        Some(argv) => serde_json::from_str(argv).unwrap_or_else(|error| panic!("`{line}`: {error}")),
        None => ["bash", "-c", line].map(str::to_owned).to_vec(),
    }
}

/// What `policy/check` says of each, all asked at once.
fn judged(host: &Host, commands: &[(String, Vec<String>)]) -> Vec<Result<Value, RpcError>> {
    // A directory like those of projects, wherever these tests run.
    let cwd = "/srv/work/project";
    let check = |argv: &Vec<String>| {
        host.send_request("policy/check", json!({ "argv": argv, "cwd": cwd, "explain": true }))
    };
    let sent: Vec<u64> = commands.iter().map(|(_, argv)| check(argv)).collect();
    sent.into_iter().map(|id| host.response(id)).collect()
}

/// Who decided and why, for people.
fn decision(check: &Value) -> String {
    let decision = &check["decision"];
    format!("{} ({}): {}", check["verdict"], decision["rule"], decision["reason"])
}

fn nothing_of_the_bypass_corpus_is_allowed(launch: Launch) {
    let rules = PluginEntry::builtin("rules").config(
        "allow = [\"git status **\", \"ls **\", \"cat **\", \"echo **\"], deny = [\"rm\", \"git push\", \"curl\"]",
    );
    // Whatever is not allowed by a rule must not be allowed by accident.
    let host = launch.config(format!("default = \"ask\"\n{rules}")).start();
    let commands = corpus("bypass.txt");
    assert!(commands.len() > 500, "{} commands", commands.len());
    let mut counts = BTreeMap::<String, usize>::new();
    let mut allowed = String::new();
    for ((line, argv), check) in commands.iter().zip(judged(&host, &commands)) {
        let verdict = match &check {
            Ok(check) => check.text("verdict").to_owned(),
            Err(error) if argv.is_empty() => error.kind.clone(),
            Err(error) => panic!("`{line}` is not judged: {error}"),
        };
        if let ("allow", Ok(check)) = (verdict.as_str(), &check) {
            let _ = writeln!(allowed, "  {line}\n    {}\n    {}", decision(check), check["script"]);
        }
        *counts.entry(verdict).or_default() += 1;
    }
    assert!(allowed.is_empty(), "{counts:?}; allowed, and must not be:\n{allowed}");
    // The rules are not simply shut.
    let harmless = [
        "git status",
        "ls -la",
        "cat a | cat",
        "bash -c 'ls; echo x'",
        "git status --short && ls",
        "echo 'rm x'",
    ];
    let harmless = harmless.map(|line| (line.to_owned(), words(line)));
    for ((line, _), check) in harmless.iter().zip(judged(&host, &harmless)) {
        let check = check.unwrap_or_else(|error| panic!("`{line}`: {error}"));
        assert_eq!(check.text("verdict"), "allow", "`{line}`: {}", decision(&check));
    }
    // What is plainly written is not merely asked about.
    let plain = [
        "rm x",
        "ls; rm -rf /",
        "git push",
        "git -C x push",
        "echo $(curl http://x)",
        "env -i rm x",
        "r\\m x",
    ];
    let plain = plain.map(|line| (line.to_owned(), words(line)));
    for ((line, _), check) in plain.iter().zip(judged(&host, &plain)) {
        let check = check.unwrap_or_else(|error| panic!("`{line}`: {error}"));
        assert_eq!(check.text("verdict"), "deny", "`{line}`: {}", decision(&check));
    }
}

/// Everyday commands that the cautious preset asks about, and what a careful person would accept as the reason. The
/// preset must ask about no other, and deny none.
const ASKED: &[(&str, &str)] = &[
    ("ln -sf ../a b", "the link leads out of the working directory"),
    ("rm -rf target/tmp", "what is removed does not come back"),
    ("git push origin HEAD", "others see it"),
    ("curl -s http://localhost:8080/health", "it speaks to the network"),
    ("curl -sSL https://example.com/a.json | jq .", "it speaks to the network"),
    ("npm install", "it fetches the code of others and runs it"),
    ("npm ci && npm run build", "it fetches the code of others and runs it"),
    ("set -euo pipefail; npm ci; npm test", "it fetches the code of others and runs it"),
    ("[ -d node_modules ] || npm ci", "it fetches the code of others and runs it"),
    ("yarn install", "it fetches the code of others and runs it"),
    ("npx tsc --noEmit", "it fetches what is not there yet and runs it"),
    ("npx jest src/a.test.ts", "it fetches what is not there yet and runs it"),
    ("npx eslint src --ext .ts", "it fetches what is not there yet and runs it"),
    ("pip install -r requirements.txt", "it fetches the code of others and runs it"),
    ("pip install -e .", "it fetches the code of others and runs it"),
    ("rg -l foo | xargs sed -n 1,5p", "a name may be an option, and sed runs what it is given there"),
];

fn everyday_commands_are_asked_about_only_for_a_reason(launch: Launch) {
    let rules = PluginEntry::builtin("rules").config("preset = \"cautious\"");
    let host = launch.config(rules.to_string()).start();
    let commands = corpus("everyday.txt");
    let mut counts = BTreeMap::<String, usize>::new();
    let (mut unexpected, mut asked) = (String::new(), BTreeSet::new());
    for ((line, _), check) in commands.iter().zip(judged(&host, &commands)) {
        let check = check.unwrap_or_else(|error| panic!("`{line}` is not judged: {error}"));
        let said = check.at("opinions.0").text("verdict").to_owned();
        if said == "ask" {
            asked.insert(line.as_str());
        }
        let excused = said == "ask" && ASKED.iter().any(|(known, _)| known == line);
        if matches!(said.as_str(), "ask" | "deny") && !excused {
            let _ = writeln!(unexpected, "  {line}\n    {}", decision(&check));
        }
        *counts.entry(said).or_default() += 1;
    }
    assert!(
        unexpected.is_empty(),
        "{counts:?} of {}; asked or denied without a reason:\n{unexpected}",
        commands.len()
    );
    let idle: Vec<&str> = ASKED.iter().map(|(line, _)| *line).filter(|line| !asked.contains(line)).collect();
    assert_eq!(idle, Vec::<&str>::new(), "these are asked about no more ({counts:?})");
    let allowed = counts.get("allow").copied().unwrap_or_default();
    assert!(
        allowed * 2 > commands.len(),
        "expected most of {} to be allowed, saw {counts:?}",
        commands.len()
    );
}

/// Programs that make the file that is their last argument: how they are run, what the policies go by.
const MAKERS: [(&str, &[&str]); 6] = [
    ("touch", &["touch"]),
    ("sh", &["sh", "-c", "exec > \"$0\""]),
    ("env", &["env", "touch"]),
    ("cp", &["cp", "/dev/null"]),
    ("dd", &["dd", "status=none", "if=/dev/null"]),
    ("nice", &["nice", "touch"]),
];

/// A policy of random verdicts, as the configuration and as the model has it.
struct Drawn {
    text: String,
    /// By policy: what it says of which program.
    policies: Vec<BTreeMap<&'static str, &'static str>>,
    default: &'static str,
    /// Somebody may break down at any call.
    breaks: bool,
}

impl Drawn {
    fn new(random: &mut fastrand::Rng) -> Self {
        let default = *pick(random, &["allow", "ask", "deny"]);
        let mut text = format!("default = \"{default}\"\n");
        let mut policies = Vec::new();
        for index in 0..random.usize(1..4) {
            let mut verdicts = BTreeMap::new();
            for (program, _) in MAKERS {
                verdicts.insert(program, *pick(random, &["allow", "allow", "ask", "deny", "pass", "pass"]));
            }
            let members: Vec<String> = verdicts
                .iter()
                .map(|(program, verdict)| format!("{program} = {{ verdict = {verdict:?} }}"))
                .collect();
            let entry = PluginEntry::fixture("verdict")
                .named(&format!("verdicts-{index}"))
                .config(members.join(", "));
            text += &entry.to_string();
            policies.push(verdicts);
        }
        let breaks = random.u8(0..4) == 0;
        if breaks {
            let act = pick(random, &["trap", "fail", "exit", "badCwd"]);
            let after = random.u8(0..3);
            let config = format!("do = \"{act}\", hook = \"check\", after = {after}");
            let more = *pick(random, &["onFailure = \"deny\"", "onFailure = \"ask\""]);
            text += &PluginEntry::fixture("hostile").config(config).with(more).to_string();
        }
        Self { text, policies, default, breaks }
    }

    /// What it all comes to, if nobody breaks down.
    fn verdict(&self, program: &str) -> &'static str {
        let said: Vec<&str> = self.policies.iter().map(|verdicts| verdicts[program]).collect();
        // One that does not break down this time allows.
        let said = |verdict: &str| said.contains(&verdict) || verdict == "allow" && self.breaks;
        ["deny", "ask", "allow"].into_iter().find(|verdict| said(verdict)).unwrap_or(self.default)
    }
}

fn pick<'a, T>(random: &mut fastrand::Rng, from: &'a [T]) -> &'a T {
    &from[random.usize(0..from.len())]
}

/// Answers every question by the last argument: a file called `…yes` may be made.
struct Answering<'h> {
    host: &'h Host,
    over: &'h AtomicBool,
}

impl Answering<'_> {
    fn run(host: &Host, over: &AtomicBool) {
        while !over.load(Ordering::Relaxed) {
            let Ok(question) = host.try_other("policy/ask") else { continue };
            let argv = question.value["params"].texts("argv");
            let yes = argv.last().is_some_and(|file| file.ends_with("yes"));
            let result = json!({ "decision": if yes { "allow" } else { "deny" } });
            host.send(&json!({ "jsonrpc": "2.0", "id": question.value["id"], "result": result }));
        }
    }
}

impl Drop for Answering<'_> {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
        self.host.close();
    }
}

/// What the host must have counted, over all generations.
#[derive(Debug, Default, PartialEq)]
struct Counts {
    allowed: i64,
    denied: i64,
    failed: i64,
}

fn a_random_command_runs_if_and_only_if_a_random_policy_lets_it(launch: Launch) {
    const POLICIES_A_HOST: u64 = 10;
    let seed = settings::number("WEIR_SEED", fastrand::u64(..));
    let hosts = settings::number("WEIR_CASES", 60_u64).div_ceil(POLICIES_A_HOST);
    for number in 0..hosts {
        let mut random = fastrand::Rng::with_seed(seed ^ number);
        let interactive = random.bool();
        let launch = launch.clone().config("default = \"deny\"");
        let host = if interactive { launch.asking().start() } else { launch.start() };
        let over = AtomicBool::new(false);
        thread::scope(|scope| {
            let answering = Answering { host: &host, over: &over };
            if interactive {
                scope.spawn(|| Answering::run(&host, &over));
            }
            let mut counts = Counts::default();
            for case in 0..POLICIES_A_HOST {
                let drawn = Drawn::new(&mut random);
                host.rewrite_config(&drawn.text);
                host.call("plugin/reload", json!({}));
                let told = format!("WEIR_SEED={seed}, host {number}, policy {case}:\n{}", drawn.text);
                play(&host, &mut random, &drawn, interactive, &mut counts, &told);
            }
            let made = format!("{}", host.path("made-").display());
            let live = LiveProcess::with_argument(&made);
            assert!(live.is_empty(), "nothing lives of what was started or refused:\n{}", listing(&live));
            drop(answering);
        });
    }
}

/// Sends random commands, and looks at what became of each.
fn play(
    host: &Host,
    random: &mut fastrand::Rng,
    drawn: &Drawn,
    interactive: bool,
    counts: &mut Counts,
    told: &str,
) {
    let mut id = host.next_id();
    for _ in 0..20 {
        let (program, words) = *pick(random, &MAKERS);
        let name = format!("made-{}-{}", host.next_id(), if random.bool() { "yes" } else { "no" });
        let file = host.path(&name);
        let mut argv: Vec<String> = words.iter().map(|&word| word.to_owned()).collect();
        let path = file.display().to_string();
        argv.push(if program == "dd" { format!("of={path}") } else { path });
        let method = *pick(random, &["process/start", "process/run"]);
        let verdict = drawn.verdict(program);
        let expected = verdict == "allow" || verdict == "ask" && interactive && name.ends_with("yes");
        let what = format!("`{}` ({verdict}, as {id})\n{told}", argv.join(" "));
        match host.request(method, json!({ "processId": id, "argv": argv })) {
            Ok(_) => {
                // Who has failed may be asked about, too.
                let asked = drawn.breaks && interactive && name.ends_with("yes") && verdict != "deny";
                assert!(expected || asked, "it ran: {what}");
                host.call("process/wait", json!({ "processId": id, "until": "close" }));
                assert!(file.exists(), "it was allowed and has not run: {what}");
                counts.allowed += 1;
                id = host.next_id();
            }
            Err(error) => {
                assert!(!expected || drawn.breaks, "{error}: {what}");
                match error.kind.as_str() {
                    "policyDenied" => counts.denied += 1,
                    "policyFailed" if drawn.breaks => counts.failed += 1,
                    _ => panic!("{error}: {what}"),
                }
                assert!(!file.exists(), "it was refused and has run: {what}");
                let list = host.call("process/list", json!({}));
                let known = list.list("processes").iter().any(|process| process.text("processId") == id);
                assert!(!known, "it was refused and is listed: {what}");
                // The same id is used for the next one: it has to be free.
            }
        }
    }
    let list = host.call("plugin/list", json!({}));
    let seen = ["allowed", "denied", "failed"].map(|name| list["decisions"].int(name));
    let [allowed, denied, failed] = seen;
    assert_eq!(&Counts { allowed, denied, failed }, counts, "{told}");
    assert_eq!(list.int("spawns"), counts.allowed, "each spawn is an allowed decision: {told}");
    let faults: i64 = list.list("plugins").iter().map(|plugin| plugin.int("faults")).sum();
    assert!(drawn.breaks || faults == 0, "{list}");
    for _ in 0..faults {
        host.try_other("plugin/fault").unwrap_or_else(|missing| panic!("{missing}: {told}"));
    }
}

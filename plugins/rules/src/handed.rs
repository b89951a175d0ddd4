//! Words that a program hands over to the one that it runs: what `find -exec` puts in place of `{}` and what `xargs` appends. Nobody
//! sees them before they are there; where they come from is often seen.

use crate::glob::Shape;
use crate::location::Location;
use crate::model::{Handed, Simple, Word};
use crate::option_words::is_option;

/// Predicates of `find` that only choose and print names.
const FIND_FLAGS: &[&str] = &[
    "-print",
    "-print0",
    "-prune",
    "-quit",
    "-depth",
    "-d",
    "-mount",
    "-xdev",
    "-noleaf",
    "-empty",
    "-readable",
    "-writable",
    "-executable",
    "-daystart",
    "-follow",
    "-nouser",
    "-nogroup",
    "-true",
    "-false",
    "-not",
    "-a",
    "-and",
    "-o",
    "-or",
    "!",
    "(",
    ")",
    ",",
    "-H",
    "-L",
    "-P",
    "-E",
    "-x",
    "-O1",
    "-O2",
    "-O3",
];

/// Those with a value.
const FIND_VALUES: &[&str] = &[
    "-name",
    "-iname",
    "-path",
    "-ipath",
    "-wholename",
    "-iwholename",
    "-regex",
    "-iregex",
    "-regextype",
    "-type",
    "-xtype",
    "-maxdepth",
    "-mindepth",
    "-size",
    "-mtime",
    "-mmin",
    "-atime",
    "-amin",
    "-ctime",
    "-cmin",
    "-newer",
    "-anewer",
    "-cnewer",
    "-newermt",
    "-newerct",
    "-perm",
    "-user",
    "-group",
    "-uid",
    "-gid",
    "-links",
    "-inum",
    "-samefile",
    "-fstype",
    "-lname",
    "-ilname",
    "-used",
];

/// What the words of a `find` say.
#[derive(Debug, Default)]
pub struct Find<'a> {
    /// Where it begins; empty for the working directory.
    pub roots: Vec<&'a Word>,
    /// The commands of each `-exec`.
    pub runs: Vec<&'a [Word]>,
}

impl<'a> Find<'a> {
    /// From the words after `find`. None if some word is not known to only choose names, to print them or, if `may_run`, to run a
    /// command.
    pub fn read(words: &'a [Word], may_run: bool) -> Option<Self> {
        let mut find = Self::default();
        let mut at = 0;
        let mut begun = false;
        while let Some(word) = words.get(at) {
            at += 1;
            let Some(text) = word.literal_text() else {
                // A pattern in the place of a starting point, or of a value that was taken already.
                if begun || may_be_option(&word.text) || has_blanks(&word.text) {
                    return None;
                }
                find.roots.push(word);
                continue;
            };
            if may_run && text == "-exec" {
                begun = true;
                let rest = &words[at..];
                let ends = |index: usize| match rest[index].literal_text() {
                    Some(";") => true,
                    Some("+") => index > 0 && rest[index - 1].text == "{}",
                    _ => false,
                };
                let end = (0..rest.len()).find(|index| ends(*index))?;
                find.runs.push(&rest[..end]);
                at += end + 1;
            } else if FIND_VALUES.contains(&text) {
                begun = true;
                words.get(at)?.literal_text()?;
                at += 1;
            } else if FIND_FLAGS.contains(&text) {
                begun |= !matches!(text, "-H" | "-L" | "-P" | "-E" | "-x" | "-O1" | "-O2" | "-O3");
            } else if begun || text.starts_with('-') || has_blanks(text) {
                return None;
            } else {
                find.roots.push(word);
            }
        }
        Some(find)
    }
}

/// The commands, those with handed words marked and their words made fit for matching: what is handed is `$`. None if there are
/// no such words.
pub fn marked(commands: &[Simple], cwds: &[Location], lost: bool) -> Option<Vec<Simple>> {
    let is_handed = |command: &Simple| command.via.iter().any(|by| by == "xargs" || by == "find");
    if !commands.iter().any(is_handed) {
        return None;
    }
    let mut marked = commands.to_vec();
    for (index, command) in marked.iter_mut().enumerate() {
        if is_handed(command) {
            mark(command, commands, index, cwds, lost);
        }
    }
    Some(marked)
}

fn mark(command: &mut Simple, commands: &[Simple], index: usize, cwds: &[Location], lost: bool) {
    let givers = |by: &&str| *by == "xargs" || *by == "find";
    let mut at = (0..command.via.len()).filter(|&level| givers(&command.via[level].as_str())).rev();
    let giver = at.next().and_then(|level| above(commands, index, level));
    let is_only = at.next().is_none();
    let marks =
        giver.filter(|_| is_only).map_or_else(|| vec![String::new()], |giver| marks(&commands[giver]));
    let places = giver.filter(|_| is_only && !lost).and_then(|giver| origin(commands, giver, cwds));
    let mut words = Vec::new();
    for (index, word) in command.argv.iter_mut().enumerate().filter(|(_, word)| !word.literal) {
        let Some((start, length)) =
            marks.iter().filter_map(|mark| Some((word.text.find(mark.as_str())?, mark.len()))).min()
        else {
            // What a shell in between was given, or has made of it.
            if is_variable(&word.text) {
                words.push(index);
            }
            continue;
        };
        let (before, after) = (&word.text[..start], &word.text[start + length..]);
        let is_whole = before.is_empty() && (after.is_empty() || length == 0);
        // Without a mark that is known, what follows is not known either.
        let after = if length == 0 { "" } else { after };
        word.text = format!("{before}${after}");
        if is_whole {
            words.push(index);
        }
    }
    if !words.is_empty() {
        let by = command.via.iter().rev().find(|by| givers(&by.as_str())).cloned().unwrap_or_default();
        command.handed = Some(Handed { words, by, places });
    }
}

/// Whether the word is all of it a variable, and none that is known.
fn is_variable(text: &str) -> bool {
    let text = text.trim_matches('"');
    text.starts_with('$') && !text.contains('/') && !matches!(text, "$HOME" | "${HOME}" | "$PWD" | "${PWD}")
}

/// The nearest command before `index` that is at this depth.
fn above(commands: &[Simple], index: usize, depth: usize) -> Option<usize> {
    (0..index).rev().find(|&other| commands[other].depth as usize == depth)
}

/// Every text that may stand for what is handed: too many rather than too few.
fn marks(giver: &Simple) -> Vec<String> {
    let mut marks = vec!["{}".to_owned()];
    if giver.name().is_none_or(|name| !name.ends_with("xargs")) {
        return marks;
    }
    let mut words = giver.arguments().iter().peekable();
    while let Some(word) = words.next() {
        let text = word.text.as_str();
        if let Some(long) = text.strip_prefix("--") {
            if let Some((_, value)) = long.split_once('=') {
                marks.push(value.to_owned());
            }
        } else if let Some(cluster) = text.strip_prefix('-')
            && let Some(letter) = cluster.find(['I', 'J', 'i'])
        {
            match &cluster[letter + 1..] {
                "" => marks.extend(words.peek().map(|next| next.text.clone())),
                attached => marks.push(attached.to_owned()),
            }
        }
    }
    marks
}

/// Below which places everything lies that this one hands over.
fn origin(commands: &[Simple], giver: usize, cwds: &[Location]) -> Option<Vec<Location>> {
    match commands[giver].name()? {
        "find" | "gfind" => listed(&commands[giver], cwds, true),
        "xargs" | "gxargs" => read_by(commands, giver, cwds, 4),
        _ => None,
    }
}

/// What `xargs` reads: what the command before it lists, through filters that let names through as they are.
fn read_by(commands: &[Simple], xargs: usize, cwds: &[Location], most: usize) -> Option<Vec<Location>> {
    let reads =
        |command: &Simple| command.redirects.iter().any(|redirect| redirect.operator.starts_with('<'));
    let group_reads = |command: &Simple| command.argv.is_empty() && reads(command);
    if most == 0
        || reads(&commands[xargs])
        || commands.iter().any(group_reads)
        || reads_a_file(&commands[xargs])
    {
        return None;
    }
    let depth = commands[xargs].depth;
    for before in (0..xargs).rev() {
        let command = &commands[before];
        if command.depth > depth {
            continue;
        }
        if command.depth < depth || command.via != commands[xargs].via || reads(command) {
            return None;
        }
        if lets_names_through(command) {
            continue;
        }
        if matches!(command.name(), Some("xargs")) {
            let inner = commands.get(before + 1).filter(|inner| inner.depth == depth + 1)?;
            return lists_names(inner).then(|| read_by(commands, before, cwds, most - 1))?;
        }
        return listed(command, cwds, false);
    }
    None
}

fn reads_a_file(xargs: &Simple) -> bool {
    xargs.arguments().iter().any(|word| {
        let text = word.text.as_str();
        text.starts_with("--a") || text.strip_prefix('-').is_some_and(|rest| rest.starts_with('a'))
    })
}

/// Whether each line that it prints is one of those that it reads.
fn lets_names_through(command: &Simple) -> bool {
    let words = command.arguments();
    if !words.iter().all(|word| word.literal) {
        return false;
    }
    let operands: Vec<&str> =
        words.iter().map(|word| word.text.as_str()).filter(|text| !is_option(text)).collect();
    let is_short = |letters: &str| {
        let mut options = words.iter().map(|word| word.text.as_str()).filter(|text| is_option(text));
        let letters = letters.to_owned();
        options.all(move |text| text[1..].chars().all(|letter| letters.contains(letter)))
    };
    match command.name() {
        Some("sort") => operands.is_empty() && is_short("urnVzfR"),
        Some("uniq") => operands.is_empty() && is_short("uidz"),
        Some("head" | "tail") => {
            operands.iter().all(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
                && is_short("n0123456789z")
        }
        Some("grep" | "egrep" | "fgrep") => operands.len() == 1 && is_short("vEiFwxPzma0123456789"),
        Some("tr") => words.len() == 2 && words[0].text == "\\n" && words[1].text == "\\0",
        _ => false,
    }
}

/// Whether it prints names of files among those that it is given, and nothing else.
fn lists_names(command: &Simple) -> bool {
    let mut words = command.arguments().iter().filter_map(Word::literal_text);
    matches!(command.name(), Some("grep" | "egrep" | "fgrep" | "rg"))
        && words.any(|text| prints_names(text, "lL"))
}

/// Whether an option is one of these letters in a cluster, or says so in full.
fn prints_names(text: &str, letters: &str) -> bool {
    matches!(text, "--files-with-matches" | "--files-without-match" | "--files" | "--name-only")
        || text.strip_prefix('-').is_some_and(|cluster| {
            !cluster.starts_with('-')
                && cluster.bytes().all(|byte| byte.is_ascii_alphabetic())
                && cluster.contains(|letter| letters.contains(letter))
        })
}

/// Below which places everything lies that the command lists. `may_run`: it is not asked what it prints, but what it hands over.
fn listed(command: &Simple, cwds: &[Location], may_run: bool) -> Option<Vec<Location>> {
    let here = Word::plain(".");
    let words = command.arguments();
    let roots: Vec<&Word> = match command.name()? {
        "find" | "gfind" => {
            let find = Find::read(words, may_run)?;
            if find.roots.is_empty() { vec![&here] } else { find.roots }
        }
        "ls" => {
            only_options(words, &[], |cluster| {
                cluster.bytes().all(|byte| b"1aAtrSRdUpFcuhX".contains(&byte))
            })?;
            operands(words, &here)
        }
        "git" => match words.first().and_then(Word::literal_text)? {
            "ls-files" => {
                only_options(
                    &words[1..],
                    &["--cached", "--others", "--modified", "--deleted", "--exclude-standard"],
                    |cluster| cluster.bytes().all(|byte| b"comdzu".contains(&byte)),
                )?;
                operands(&words[1..], &here)
            }
            "diff" if words.iter().any(|word| word.text == "--name-only") => {
                // Names from the top of the tree, whatever the operands are.
                only_options(
                    &words[1..],
                    &["--name-only", "--cached", "--staged", "--relative", "--diff-filter=*"],
                    |cluster| cluster == "z",
                )?;
                vec![&here]
            }
            "grep" if words.iter().any(|word| prints_names(&word.text, "lL")) => {
                only_options(&words[1..], &["--files-with-matches", "--name-only", "--cached"], |cluster| {
                    cluster.bytes().all(|byte| b"lLinwEFGPzI".contains(&byte))
                })?;
                operands(after_pattern(&words[1..]), &here)
            }
            _ => return None,
        },
        "grep" | "egrep" | "fgrep" if words.iter().any(|word| prints_names(&word.text, "lL")) => {
            only_options(
                words,
                &[
                    "--include=*",
                    "--exclude=*",
                    "--exclude-dir=*",
                    "--recursive",
                    "--files-with-matches",
                    "--null",
                ],
                |cluster| cluster.bytes().all(|byte| b"rRlLinwEFGPZIsaxe".contains(&byte)),
            )?;
            operands(after_pattern(words), &here)
        }
        "rg" if words.iter().any(|word| prints_names(&word.text, "l")) => {
            only_options(
                words,
                &[
                    "--files",
                    "--files-with-matches",
                    "--hidden",
                    "--no-ignore",
                    "--type",
                    "--type=*",
                    "--glob",
                    "--glob=*",
                    "--iglob",
                    "--ignore-case",
                    "--fixed-strings",
                    "--word-regexp",
                    "--smart-case",
                    "--null",
                ],
                |cluster| cluster.bytes().all(|byte| b"lisSwFnuUtgPTe0".contains(&byte)),
            )?;
            operands(after_pattern(words), &here)
        }
        "fd" | "fdfind" => {
            only_options(words, &["--type", "--extension", "--hidden", "--glob", "--print0"], |cluster| {
                cluster.bytes().all(|byte| b"tegHIE0sip".contains(&byte))
            })?;
            operands(after_pattern(words), &here)
        }
        _ => return None,
    };
    if roots.iter().any(|root| has_blanks(&root.text) || root.text.starts_with(':')) {
        return None;
    }
    let places: Vec<Location> =
        cwds.iter().flat_map(|cwd| roots.iter().flat_map(move |root| Location::of(root, cwd))).collect();
    (!places.iter().any(|place| place.adrift)).then_some(places)
}

/// Some if every option is one of these or a cluster that `fits`.
fn only_options(words: &[Word], known: &[&str], fits: impl Fn(&str) -> bool) -> Option<()> {
    let is_known = |text: &str| {
        known.iter().any(|known| match known.strip_suffix('*') {
            Some(start) => text.starts_with(start),
            None => *known == text,
        })
    };
    let all = words.iter().all(|word| {
        let text = word.text.as_str();
        let is_open = !word.literal && may_be_option(text);
        let cluster =
            text.strip_prefix('-').filter(|cluster| !cluster.starts_with('-') && !cluster.is_empty());
        !is_open && (!text.starts_with('-') || text == "--" || is_known(text) || cluster.is_some_and(&fits))
    });
    all.then_some(())
}

/// The words that are no options, and the working directory: who is given no file reads that.
fn operands<'a>(words: &'a [Word], here: &'a Word) -> Vec<&'a Word> {
    words.iter().filter(|word| !word.text.starts_with('-')).chain([here]).collect()
}

/// The words of a searching program without its pattern, if that is not given with an option: then it is the first that is no
/// option, unless that is an option's value, and then no file either.
pub fn after_pattern(words: &[Word]) -> &[Word] {
    let gives_pattern = |word: &Word| {
        let text = word.text.as_str();
        match text.strip_prefix("--") {
            Some(long) => long.starts_with("re") || long.starts_with('f'),
            None => text.strip_prefix('-').is_some_and(|cluster| cluster.contains(['e', 'f'])),
        }
    };
    if words.iter().any(gives_pattern) {
        return words;
    }
    let pattern = words.iter().position(|word| !is_option(&word.text));
    pattern.map_or(words, |pattern| &words[pattern + 1..])
}

/// Whether a word that is not literal may become an option; a home directory is none.
fn may_be_option(text: &str) -> bool {
    text != "~" && !text.starts_with("~/") && Shape::new(text).may_be_option()
}

fn has_blanks(text: &str) -> bool {
    text.contains([' ', '\t', '\n', '"', '\'', '\\'])
}

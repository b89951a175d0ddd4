//! Outputs in memory, and what must hold of every summary.

#![allow(dead_code)]

use std::{collections::BTreeSet, fs, path::PathBuf};

use weir_tests::{
    options::Options,
    source::{Channel, Gap, Source},
    summary::{Report, summarize},
};

pub struct Output {
    pub channels: Vec<(Channel, Vec<u8>)>,
    pub gaps: Vec<(Channel, Gap)>,
    pub exit: Option<i32>,
    pub argv: Vec<String>,
    /// Reads give at most so many bytes.
    pub page: usize,
}

impl Output {
    pub fn new(argv: &str, exit: i32) -> Self {
        let argv = argv.split_whitespace().map(str::to_owned).collect();
        Self { channels: Vec::new(), gaps: Vec::new(), exit: Some(exit), argv, page: usize::MAX }
    }

    pub fn with(mut self, channel: Channel, text: impl Into<Vec<u8>>) -> Self {
        self.channels.push((channel, text.into()));
        self
    }

    pub fn append(&mut self, other: &Output) {
        for (channel, bytes) in &other.channels {
            match self.channels.iter_mut().find(|(seen, _)| seen == channel) {
                Some((_, all)) => all.extend_from_slice(bytes),
                None => self.channels.push((*channel, bytes.clone())),
            }
        }
    }

    pub fn summary(&self) -> Option<Report> {
        summarize(self, &Options::default())
    }

    pub fn summary_with(&self, options: &str) -> Option<Report> {
        summarize(self, &Options::default().with(options).unwrap())
    }

    fn bytes(&self, channel: Channel) -> &[u8] {
        self.channels.iter().find(|(seen, _)| *seen == channel).map_or(&[], |(_, bytes)| bytes)
    }
}

impl Source for Output {
    fn channels(&self) -> Vec<Channel> {
        self.channels.iter().map(|(channel, _)| *channel).collect()
    }

    fn size(&self, channel: Channel) -> u64 {
        self.bytes(channel).len() as u64
    }

    fn read(&self, channel: Channel, offset: u64, max: u32) -> Vec<u8> {
        let rest = &self.bytes(channel)[offset as usize..];
        let gap = self.gaps(channel).iter().map(|gap| gap.offset).filter(|at| *at > offset).min();
        let until = gap.map_or(usize::MAX, |at| (at - offset) as usize);
        rest[..rest.len().min(max as usize).min(self.page).min(until)].to_vec()
    }

    fn gaps(&self, channel: Channel) -> Vec<Gap> {
        self.gaps.iter().filter(|(seen, _)| *seen == channel).map(|(_, gap)| *gap).collect()
    }

    fn exit_code(&self) -> Option<i32> {
        self.exit
    }

    fn argv(&self) -> Vec<String> {
        self.argv.clone()
    }
}

/// The stored output of this name.
pub fn fixture(name: &str) -> Output {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let read = |ending: &str| fs::read(folder.join(format!("{name}.{ending}"))).ok();
    let word =
        |ending: &str| String::from_utf8(read(ending).unwrap_or_else(|| panic!("{name}.{ending}"))).unwrap();
    let mut output = Output::new(&word("argv"), word("exit").trim().parse().unwrap());
    for (ending, channel) in
        [("stdout", Channel::Stdout), ("stderr", Channel::Stderr), ("merged", Channel::Merged)]
    {
        if let Some(bytes) = read(ending) {
            output.channels.push((channel, bytes));
        }
    }
    output
}

/// Names of all stored outputs.
pub fn names() -> Vec<String> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures");
    let mut names: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|entry| {
            entry.unwrap().file_name().to_str().unwrap().strip_suffix(".exit").map(str::to_owned)
        })
        .collect();
    names.sort();
    assert!(names.len() > 40, "{names:?}");
    names
}

/// The lines of bytes, cut at LF and CR, without escapes: written anew here, to be compared with.
pub fn lines(bytes: &[u8]) -> Vec<String> {
    let mut lines = Vec::new();
    for line in bytes.split(|b| *b == b'\n') {
        for part in line.split(|b| *b == b'\r') {
            lines.push(plain(&String::from_utf8_lossy(part)));
        }
    }
    lines
}

/// Colours and the like; the stored outputs have no other escapes.
fn plain(line: &str) -> String {
    let mut out = String::new();
    let mut rest = line;
    while let Some(at) = rest.find("\x1b[") {
        out.push_str(&rest[..at]);
        let tail = &rest[at + 2..];
        let parameters = tail.find(|c: char| !(' '..='?').contains(&c)).unwrap_or(tail.len());
        let ends = tail[parameters..].chars().next().is_some_and(|c| ('@'..='~').contains(&c));
        rest = &tail[parameters + usize::from(ends)..];
    }
    out.push_str(rest);
    out.replace("\x1b(B", "").replace('\x1b', "")
}

/// Each line of the text is a line of the output, or the summary's own; the output's own `# ` is quoted.
pub fn check(output: &Output, report: &Report) {
    let mut known = BTreeSet::new();
    for (channel, bytes) in &output.channels {
        let mut from = 0;
        for at in output.gaps(*channel).iter().map(|gap| gap.offset as usize).chain([bytes.len()]) {
            known.extend(lines(&bytes[from..at]));
            from = at;
        }
    }
    for line in report.text.lines() {
        match line.strip_prefix("# ") {
            None => assert!(known.contains(line), "`{line}` is no line of the output\n{}", report.text),
            Some(own) => {
                if let Some(quoted) = own.strip_prefix("| ") {
                    assert!(known.contains(quoted), "`{quoted}` is no line of the output");
                }
            }
        }
    }
    assert!(report.text.is_empty() || report.text.ends_with('\n'));
}

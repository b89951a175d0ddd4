//! The component: bindings, and the way between them and the rest.

// What the macro makes is not ours to document.
#![allow(missing_docs, clippy::all)]

use std::cell::Cell;

use crate::{
    options::Options,
    source::{Channel, Gap, Source},
    summary as logic,
};

wit_bindgen::generate!({ path: "../../wit", world: "summary-plugin" });

use exports::weir::plugin::{plugin, summary};
use weir::plugin::{
    host::Retained,
    types::{self, Failure, Report},
};

struct Tests;

thread_local! {
    static OPTIONS: Cell<Options> = Cell::new(Options::default());
}

fn failure(code: &str, message: String) -> Failure {
    Failure { code: code.to_owned(), message }
}

impl plugin::Guest for Tests {
    fn init(config: String) -> Result<(), Failure> {
        let options = Options::default().with(&config).map_err(|message| failure("bad-config", message))?;
        OPTIONS.set(options);
        Ok(())
    }
}

impl summary::Guest for Tests {
    fn summarize(output: &Retained, options: String) -> Result<Option<Report>, Failure> {
        let options = OPTIONS.get().with(&options).map_err(|message| failure("bad-options", message))?;
        Ok(logic::summarize(&Output(output), &options).map(report))
    }
}

struct Output<'a>(&'a Retained);

impl Source for Output<'_> {
    fn channels(&self) -> Vec<Channel> {
        self.0.channels().into_iter().map(ours).collect()
    }

    fn size(&self, channel: Channel) -> u64 {
        self.0.size(theirs(channel))
    }

    fn read(&self, channel: Channel, offset: u64, max: u32) -> Vec<u8> {
        self.0.read(theirs(channel), offset, max)
    }

    fn gaps(&self, channel: Channel) -> Vec<Gap> {
        self.0.gaps(theirs(channel)).into_iter().map(|(offset, bytes)| Gap { offset, bytes }).collect()
    }

    fn exit_code(&self) -> Option<i32> {
        self.0.exit_code()
    }

    fn argv(&self) -> Vec<String> {
        self.0.argv()
    }
}

fn ours(channel: types::Channel) -> Channel {
    match channel {
        types::Channel::Stdout => Channel::Stdout,
        types::Channel::Stderr => Channel::Stderr,
        types::Channel::Merged => Channel::Merged,
        types::Channel::Pty => Channel::Pty,
    }
}

fn theirs(channel: Channel) -> types::Channel {
    match channel {
        Channel::Stdout => types::Channel::Stdout,
        Channel::Stderr => types::Channel::Stderr,
        Channel::Merged => types::Channel::Merged,
        Channel::Pty => types::Channel::Pty,
    }
}

fn report(report: logic::Report) -> Report {
    let diagnostics = report
        .diagnostics
        .into_iter()
        .map(|found| {
            let (path, line, column) = match found.place {
                Some(place) => (Some(place.path), place.line, place.column),
                None => (None, None, None),
            };
            types::Diagnostic {
                severity: found.severity.name().to_owned(),
                message: found.message,
                path,
                line,
                column,
                code: found.code,
                at: found.at.map(|(channel, offset)| (theirs(channel), offset)),
            }
        })
        .collect();
    Report { text: report.text, diagnostics, notes: report.notes }
}

export!(Tests);

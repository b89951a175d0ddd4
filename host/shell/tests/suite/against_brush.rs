//! Beside another reader of the grammar: the commands of a script are the same, up to where that reader differs from bash.

use brush_parser::ast::{Command, CompoundCommand, CompoundList, Program};
use brush_parser::{Parser, ParserOptions};

use crate::common::bash;

/// The first words of all simple commands of a program, in their order.
fn names(program: &Program) -> Vec<String> {
    let mut names = Vec::new();
    for list in &program.complete_commands {
        of_list(list, &mut names);
    }
    names
}

fn of_list(list: &CompoundList, names: &mut Vec<String>) {
    for item in &list.0 {
        for (_, pipeline) in &item.0 {
            for command in &pipeline.seq {
                of_command(command, names);
            }
        }
    }
}

fn of_command(command: &Command, names: &mut Vec<String>) {
    match command {
        Command::Simple(simple) => names.extend(simple.word_or_name.as_ref().map(|word| word.value.clone())),
        Command::Compound(compound, _) => of_compound(compound, names),
        Command::Function(function) => of_compound(&function.body.0, names),
        Command::ExtendedTest(..) => names.push("[[".into()),
    }
}

fn of_compound(compound: &CompoundCommand, names: &mut Vec<String>) {
    match compound {
        CompoundCommand::BraceGroup(group) => of_list(&group.list, names),
        CompoundCommand::Subshell(subshell) => of_list(&subshell.list, names),
        CompoundCommand::ForClause(clause) => of_list(&clause.body.list, names),
        CompoundCommand::WhileClause(clause) | CompoundCommand::UntilClause(clause) => {
            of_list(&clause.0, names);
            of_list(&clause.1.list, names);
        }
        CompoundCommand::IfClause(clause) => {
            of_list(&clause.condition, names);
            of_list(&clause.then, names);
            for part in clause.elses.iter().flatten() {
                part.condition.iter().for_each(|list| of_list(list, names));
                of_list(&part.body, names);
            }
        }
        CompoundCommand::CaseClause(clause) => {
            clause.cases.iter().filter_map(|case| case.cmd.as_ref()).for_each(|list| of_list(list, names));
        }
        _ => {}
    }
}

#[test]
fn another_reader_finds_the_same_commands() {
    for text in [
        "a; b && c || d | e & f",
        "if a; then b; elif c; then d; else e; fi; g",
        "while a; do b; done; until c; do d; done",
        "for i in 1 2; do a; b; done",
        "case x in a|b) c;; (d) e; f;; *) g; esac",
        "{ a; b; } > f; ( c; d ) 2>&1 | e",
        "f() { a; b; }; f",
        "function g { a; }; g",
        "A=1 a b=c; X=2 Y=3 b",
        "[[ -f a && -d b ]] && c",
        "a <<E\nb; c\nE\nd",
        "a <<-'E' | b\n\tc\n\tE\nd",
        "a # b; c\nd",
        "a \\\n  b; c",
        "! a | b; time c",
        "a 'b; c' \"d; e\" f\\;g; h",
        "a > b >> c < d <<< e 2>&1; f",
        "a\n\n\nb;\nc &\nd",
    ] {
        let program = Parser::new(text.as_bytes(), &ParserOptions::default()).parse_program().expect(text);
        let script = bash(text);
        assert!(script.opaque.is_empty(), "{text}: {:?}", script.opaque);
        let ours: Vec<&str> = script.commands[1..]
            .iter()
            .filter_map(|command| command.argv.first())
            .map(|word| word.text.as_str())
            .collect();
        assert_eq!(ours, names(&program), "{text}");
    }
}

//! A text and what it runs, a line each, in `table.txt`.

use crate::common::{bash, shown};

#[test]
fn each_text_of_the_table_runs_what_is_written_beside_it() {
    let mut wrong = Vec::new();
    let mut rows = 0;
    for line in include_str!("table.txt").lines().filter(|line| !line.starts_with('#') && !line.is_empty()) {
        let (text, expected) = line.split_once(" ==>").expect("a row with ` ==>`");
        rows += 1;
        let script = bash(text);
        let commands: Vec<String> = script.commands[1..]
            .iter()
            .map(|command| if command.argv.is_empty() { "-".to_owned() } else { shown(command) })
            .collect();
        let mut seen = commands.join("; ");
        if !script.opaque.is_empty() {
            seen.push_str(" !");
        }
        if seen.trim() != expected.trim() {
            wrong.push(format!(
                "{text}\n  expected {}\n  seen     {}\n  {:?}",
                expected.trim(),
                seen.trim(),
                script.opaque
            ));
        }
    }
    assert!(rows > 100, "{rows} rows");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

//! Measures the filter natively: `cargo run --release --example throughput [FILE]` prints MiB/s in chunks of 64 KiB.

use std::io::Write;
use std::rc::Rc;
use std::time::Instant;

use weir_redact::config::Config;
use weir_redact::redactor::{Pushed, Redactor};
use weir_redact::rules::Rules;

const LINES: &str = include_str!("../tests/unchanged/lines.txt");

fn log() -> String {
    let line = |n: usize| match n % 5 {
        0 => format!("   Compiling serde_json v1.0.{n} (/home/me/shop/target/debug)\n"),
        1 => format!("warning: unused variable: `x{n}` --> src/main.rs:{n}:9\n"),
        2 => format!("test parser::tests::keeps_order_{n} ... ok\n"),
        3 => format!("2024-01-15T12:34:56.{n:03}Z INFO request id={n} took 12ms path=/api/v1/items\n"),
        _ => format!("[{n}/20000] cc -O2 -Wall -c src/file_{n}.c -o build/file_{n}.o\n"),
    };
    (0..200_000).map(line).collect()
}

/// The same with colours, as on a terminal.
fn coloured() -> String {
    let paint = |line: &str| match line.split_once(' ') {
        Some((word, rest)) => format!("\x1b[1m\x1b[32m{word}\x1b[0m {rest}\n"),
        None => format!("{line}\n"),
    };
    log().lines().map(paint).collect()
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut inputs = vec![
        ("build log".to_owned(), log().into_bytes()),
        ("coloured build log".to_owned(), coloured().into_bytes()),
        ("corpus".to_owned(), LINES.repeat(1000).into_bytes()),
    ];
    for path in std::env::args().skip(1) {
        let bytes = std::fs::read(&path)?;
        inputs.push((path, bytes));
    }
    for granted in [0, 10] {
        let variables: Vec<_> =
            (0..granted).map(|n| (format!("V{n}"), format!("{n}s3cret-Value/{}", n * 7919))).collect();
        for (name, input) in &inputs {
            let config = Config::parse("{}")?;
            let mut redactor = Redactor::new(Rc::new(Rules::new(&config, &variables, 1).0), 1);
            let (start, mut changed) = (Instant::now(), 0);
            for chunk in input.chunks(64 * 1024) {
                changed += usize::from(redactor.push(chunk) != Pushed::Unchanged);
            }
            let rate = input.len() as f64 / (1 << 20) as f64 / start.elapsed().as_secs_f64();
            writeln!(
                std::io::stdout(),
                "{name}, {granted} values: {rate:.0} MiB/s, {changed} chunks changed"
            )?;
        }
    }
    Ok(())
}

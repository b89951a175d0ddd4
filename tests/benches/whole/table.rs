//! The figures, side by side.

use std::time::Duration;

/// Prints rows of figures as they come, a column a subject.
pub(crate) struct Table {
    subjects: usize,
}

impl Table {
    /// Prints the head.
    pub(crate) fn new(subjects: &[&str]) -> Self {
        let head: Vec<String> = subjects.iter().map(|subject| format!("{subject:>12}")).collect();
        println!("Medians. The ratio says how many times better the first column is than the second.\n");
        println!("{:<58} {:>6} {} {:>9}", "", "unit", head.join(" "), "ratio");
        Self { subjects: subjects.len() }
    }

    /// A row of medians of durations, in milliseconds.
    pub(crate) fn add_times(&mut self, what: &str, times: &[Vec<Duration>]) {
        let figures: Vec<Option<f64>> =
            times.iter().map(|times| percentile(times, 50).map(|time| time.as_secs_f64() * 1e3)).collect();
        self.add(what, "ms", &figures, "");
    }

    /// A row of figures of which less is better, but for rates.
    pub(crate) fn add(&mut self, what: &str, unit: &str, figures: &[Option<f64>], note: &str) {
        let cell = |at: usize| match figures.get(at).copied().flatten() {
            Some(figure) if figure >= 1_000.0 => format!("{figure:>12.0}"),
            Some(figure) if figure >= 10.0 => format!("{figure:>12.1}"),
            Some(figure) => format!("{figure:>12.3}"),
            None => format!("{:>12}", "-"),
        };
        let cells: Vec<String> = (0..self.subjects).map(cell).collect();
        let ratio = match *figures {
            [Some(first), Some(second), ..] if first > 0.0 && second > 0.0 => {
                format!("{:>9.2}", if unit.ends_with("/s") { first / second } else { second / first })
            }
            _ => format!("{:>9}", ""),
        };
        let line = format!("{what:<58} {unit:>6} {} {ratio}  {note}", cells.join(" "));
        println!("{}", line.trim_end());
    }
}

/// The value below which `percent` of the samples are; `None` if there are none.
pub(crate) fn percentile(samples: &[Duration], percent: usize) -> Option<Duration> {
    let mut sorted = samples.to_vec();
    sorted.sort();
    sorted.get((sorted.len() * percent / 100).min(sorted.len().saturating_sub(1))).copied()
}

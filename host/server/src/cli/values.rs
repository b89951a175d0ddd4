//! Values of options: durations and limits, as people write them.

use std::str::FromStr;
use std::time::Duration;

use weir_process::{Limit, Limits};

use crate::convert;

/// `NAME=VALUE` of `--limit`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct LimitValue {
    limit: Limit,
    value: u64,
}

impl FromStr for LimitValue {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) =
            text.split_once('=').ok_or_else(|| format!("expected NAME=VALUE, saw `{text}`"))?;
        let named = |limit: &Limit| convert::limit(*limit).as_str();
        let limit = Limit::ALL.into_iter().find(|limit| named(limit) == name).ok_or_else(|| {
            let names: Vec<_> = Limit::ALL.iter().map(named).collect();
            format!("expected one of {}, saw `{name}`", names.join(", "))
        })?;
        let value =
            number(value).filter(|value| *value > 0 || limit == Limit::FileSize).ok_or_else(|| {
                format!("expected a number, with K, M, G or T behind it or without, saw `{value}`")
            })?;
        Ok(Self { limit, value })
    }
}

/// All of them together; of those with one name the last counts.
pub(super) fn limits(values: &[LimitValue]) -> Limits {
    let mut limits = Limits::default();
    for LimitValue { limit, value } in values {
        let slot = match limit {
            Limit::Memory => &mut limits.memory_bytes,
            Limit::Cpu => &mut limits.cpu_seconds,
            Limit::OpenFiles => &mut limits.open_files,
            Limit::FileSize => &mut limits.file_bytes,
            Limit::Processes => &mut limits.processes,
        };
        *slot = Some(*value);
    }
    limits
}

fn number(text: &str) -> Option<u64> {
    let (digits, shift) = match text.strip_suffix(['K', 'M', 'G', 'T']) {
        Some(digits) => (digits, 10 * ("KMGT".find(text.chars().next_back()?)? + 1)),
        None => (text, 0),
    };
    let number: u64 = digits.parse().ok()?;
    number.checked_mul(1 << shift)
}

/// A number of seconds, or of what is named behind it: `90`, `1.5s`, `200ms`, `10m`, `2h`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let end = text.find(|c: char| c.is_ascii_alphabetic()).unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    let seconds = match unit {
        "ms" => 0.001,
        "" | "s" => 1.0,
        "m" => 60.0,
        "h" => 3600.0,
        _ => f64::NAN,
    };
    let duration = number.parse::<f64>().ok().map(|number| Duration::try_from_secs_f64(number * seconds));
    match duration {
        Some(Ok(duration)) if !duration.is_zero() => Ok(duration),
        _ => Err(format!("expected a time above zero as `90`, `1.5s`, `200ms`, `10m` or `2h`, saw `{text}`")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_units() {
        for (text, ms) in
            [("90", 90_000), ("1.5s", 1500), ("200ms", 200), ("10m", 600_000), ("2h", 7_200_000)]
        {
            assert_eq!(duration(text), Ok(Duration::from_millis(ms)), "{text}");
        }
        for text in ["", "0", "-1", "1d", "soon", "1e400", "s", "nan", "inf"] {
            assert!(duration(text).is_err_and(|error| error.contains(&format!("`{text}`"))), "{text}");
        }
    }

    #[test]
    fn limits_have_names_and_units() {
        let value = |text: &str| LimitValue::from_str(text);
        let some =
            [value("memoryBytes=2G").unwrap(), value("openFiles=9").unwrap(), value("openFiles=8").unwrap()];
        let expected = Limits { memory_bytes: Some(2 << 30), open_files: Some(8), ..Limits::default() };
        assert_eq!(limits(&some), expected);
        assert_eq!(value("fileBytes=0").map(|value| value.value), Ok(0));
        for text in
            ["memoryBytes", "memory=1", "memoryBytes=", "cpuSeconds=0", "processes=-1", "fileBytes=99999999T"]
        {
            assert!(value(text).is_err(), "{text}");
        }
    }
}

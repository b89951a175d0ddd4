//! Writes the text: lines of the output, and lines of the summary's own, which begin with `# `.
//!
//! A line of the output that begins with `# ` itself is written as `# | # …`: nothing that a process prints can pass
//! for the summary's own words.

use crate::{
    lines::{self, Line},
    source::{Channel, Source},
    span::{Span, Spans},
};

/// Lines that belong together, and what is said above them.
pub struct Group<'a> {
    /// The summary's own line above them; none if it is empty.
    pub head: String,
    /// The lines.
    pub spans: &'a Spans,
    /// A line that stays whatever is left out.
    pub keep: Option<(Channel, u64)>,
    /// 0 is given room first, then 1; there are no others.
    pub tier: u8,
}

/// The text as it grows.
pub struct Text<'a> {
    source: &'a dyn Source,
    text: String,
    /// Bytes of the output that are left out of groups.
    pub left_out: u64,
}

impl<'a> Text<'a> {
    /// Nothing yet.
    pub fn new(source: &'a dyn Source) -> Self {
        Self { source, text: String::new(), left_out: 0 }
    }

    /// All of it.
    pub fn finish(self) -> String {
        self.text
    }

    /// A line of the summary's own.
    pub fn own(&mut self, words: &str) {
        self.text.push_str("# ");
        // What is quoted in it may hold anything but a line end.
        self.text.extend(words.chars().map(|c| if c == '\n' { ' ' } else { c }));
        self.text.push('\n');
    }

    /// Writes the groups with at most `room` bytes of output in them, shared evenly.
    pub fn groups(&mut self, groups: &[Group<'_>], room: u64) {
        let shares = shares(groups, room);
        for (group, share) in groups.iter().zip(shares) {
            if !group.head.is_empty() {
                self.own(&group.head);
            }
            self.group(group, share);
        }
    }

    fn line(&mut self, line: &Line<'_>) {
        if line.text.starts_with(b"# ") {
            self.text.push_str("# | ");
        }
        self.text.push_str(&String::from_utf8_lossy(line.text));
        self.text.push('\n');
    }

    fn group(&mut self, group: &Group<'_>, share: u64) {
        let spans = group.spans;
        let seen = usize::try_from(share).unwrap_or(usize::MAX).max(lines::SEEN);
        let mut told = (0u64, 0u64);
        if share >= spans.bytes() {
            for span in spans.list() {
                let source = self.source;
                lines::each(source, span.channel, span.start..span.end, seen, &mut |line| {
                    told.0 += 1;
                    told.1 += line.end - line.start;
                    self.line(&line);
                });
            }
            self.left(spans, told, None);
            return;
        }
        // The front, whole lines only.
        let source = self.source;
        let mut front = share / 5 * 3;
        let mut reached: Option<(usize, u64)> = None;
        let mut kept = false;
        for (at, span) in spans.list().iter().enumerate() {
            let until = span.end.min(span.start + front);
            let mut position = span.start;
            lines::each(source, span.channel, span.start..until, seen, &mut |line| {
                if line.tailless && line.end < span.end || line.end > until {
                    return;
                }
                kept |= group.keep == Some((line.channel, line.start));
                told.0 += 1;
                told.1 += line.end - line.start;
                position = line.end;
                self.line(&line);
            });
            front -= (position - span.start).min(front);
            reached = Some((at, position));
            if position < span.end {
                break;
            }
        }
        if let Some((channel, start)) = group.keep.filter(|_| !kept) {
            self.kept(spans, channel, start, &mut told);
        }
        let (first, from) = reached.unwrap_or((0, 0));
        let back = self.back(spans, first, from, share - share / 5 * 3);
        let place = spans.list().get(first).map(|span| (span.channel, from.max(span.start)));
        let mut rest = told;
        for (span, _) in &back {
            rest.1 += span.end - span.start;
        }
        // Lines of the back are counted before they are written: what is left out stands between.
        for (span, skip) in &back {
            let mut first = *skip;
            lines::each(source, span.channel, span.start..span.end, 1, &mut |line| {
                if first {
                    rest.1 -= line.end - line.start;
                } else {
                    rest.0 += 1;
                }
                first = false;
            });
        }
        self.left(spans, rest, place);
        for (span, skip) in back {
            let mut first = skip;
            lines::each(source, span.channel, span.start..span.end, seen, &mut |line| {
                if !std::mem::take(&mut first) {
                    self.line(&line);
                }
            });
        }
    }

    /// The line that stays, although there is no room.
    fn kept(&mut self, spans: &Spans, channel: Channel, start: u64, told: &mut (u64, u64)) {
        let Some(span) =
            spans.list().iter().find(|s| s.channel == channel && s.start <= start && start < s.end)
        else {
            return;
        };
        let until = span.end.min(start + 2 * lines::SEEN as u64);
        let mut done = false;
        let source = self.source;
        lines::each(source, channel, start..until, 2 * lines::SEEN, &mut |line| {
            if !std::mem::replace(&mut done, true) && (!line.tailless || line.end == span.end) {
                told.0 += 1;
                told.1 += line.end - line.start;
                self.line(&line);
            }
        });
    }

    /// The last `room` bytes of the lines behind span `first`, offset `from`; and of each piece whether its first line
    /// is only a part of one.
    fn back(&self, spans: &Spans, first: usize, from: u64, mut room: u64) -> Vec<(Span, bool)> {
        let mut back = Vec::new();
        for (at, span) in spans.list().iter().enumerate().rev() {
            if at < first || room == 0 {
                break;
            }
            let low = if at == first { from.max(span.start) } else { span.start };
            let start = low.max(span.end.saturating_sub(room));
            if start >= span.end {
                break;
            }
            room -= span.end - start;
            back.push((Span { start, ..*span }, start > low));
            if start > low {
                break;
            }
        }
        back.reverse();
        back
    }

    /// Says what of `spans` was not told.
    fn left(&mut self, spans: &Spans, told: (u64, u64), place: Option<(Channel, u64)>) {
        let lines = spans.lines().saturating_sub(told.0);
        let bytes = spans.bytes().saturating_sub(told.1);
        if lines == 0 {
            return;
        }
        self.left_out += bytes;
        let from =
            place.map(|(channel, at)| format!(" from {} byte {at} on", channel.name())).unwrap_or_default();
        let noun = if lines == 1 { "line" } else { "lines" };
        self.own(&format!("{lines} {noun} ({bytes} bytes) left out{from}"));
    }
}

/// How many bytes each group gets: all alike, and what one does not need goes to the others of its tier, then on.
fn shares(groups: &[Group<'_>], room: u64) -> Vec<u64> {
    let mut shares = vec![0; groups.len()];
    let mut room = room;
    for tier in 0..=1 {
        let mut order: Vec<usize> = (0..groups.len()).filter(|at| groups[*at].tier == tier).collect();
        order.sort_unstable_by_key(|at| (groups[*at].spans.bytes(), *at));
        let count = order.len();
        for (done, at) in order.into_iter().enumerate() {
            let share = (room / (count - done) as u64).min(groups[at].spans.bytes());
            shares[at] = share;
            room -= share;
        }
    }
    shares
}

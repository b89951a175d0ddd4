//! Random trees of processes, as scripts for the probe.

use fastrand::Rng;

use crate::gate::Gate;

/// A tree whose members fork, leave their session, lose their parents, ignore SIGTERM and hold streams.
///
/// Every member that stays tells `ready` once and then hangs; the others exit when they have forked.
#[derive(Clone, Debug)]
pub struct RandomTree {
    /// The script of the leader.
    pub script: String,
    /// How many members stay.
    pub staying: usize,
    /// Whether the leader is one of them.
    pub leader_stays: bool,
}

impl RandomTree {
    /// Grows a tree of one to about a dozen members, one of which stays at least.
    #[must_use]
    pub fn grow(rng: &mut Rng, ready: &Gate) -> Self {
        loop {
            let mut tree = Self { script: String::new(), staying: 0, leader_stays: rng.u8(..3) > 0 };
            tree.member(rng, ready, 0, tree.leader_stays);
            // A tree of which nothing is left tests nothing.
            if tree.staying > 0 {
                return tree;
            }
        }
    }

    fn member(&mut self, rng: &mut Rng, ready: &Gate, depth: usize, stays: bool) {
        self.say("emit stdout x");
        if rng.u8(..3) == 0 {
            self.say("ignore SIGTERM");
        }
        // The leader leads a group already, so only others can leave their session.
        if depth > 0 && rng.u8(..3) == 0 {
            self.say("setsid");
        }
        let children = if depth == 0 { rng.usize(1..=3) } else { rng.usize(0..=(3 - depth)) };
        for _ in 0..children {
            self.say(if rng.bool() { "fork {" } else { "double-fork {" });
            // The deepest stay, so that most trees are deep.
            let stays = depth == 2 || rng.u8(..3) > 0;
            self.member(rng, ready, depth + 1, stays);
            self.say("}");
        }
        match rng.u8(..6) {
            0 => self.say("close stdout"),
            1 => self.say("hold-stream stderr"),
            2 => self.say("hold-stream stdin"),
            _ => {}
        }
        if stays {
            self.staying += 1;
            self.say(&format!("tell-fifo {ready} hang"));
        }
    }

    fn say(&mut self, words: &str) {
        self.script.push_str(words);
        self.script.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_match_and_every_staying_member_tells() {
        let directory = tempfile::tempdir().unwrap();
        let ready = Gate::new(directory.path().join("ready"));
        let mut rng = Rng::with_seed(7);
        for _ in 0..100 {
            let tree = RandomTree::grow(&mut rng, &ready);
            assert_eq!(tree.script.matches('{').count(), tree.script.matches('}').count());
            assert_eq!(tree.script.matches("tell-fifo").count(), tree.staying);
            assert!(tree.staying > 0);
        }
    }
}

//! The words for what struck, and for the part of the run that pays.

/// Words of a race, by what was planned and whether the program runs in batches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Words {
    /// `kill` or `fault`.
    pub fault: &'static str,
    /// `batch with` or `jobs with`, before "the kill".
    pub part: &'static str,
    /// What the same part does without the fault, in two short lines.
    pub every: [&'static str; 2],
    /// What the columns count beside (operator, batch, partition); nothing when that says all.
    pub counted: &'static str,
}

impl Words {
    /// The words for these faults, as they are written on the command line.
    pub fn of(faults: &[String], streaming: bool) -> Self {
        let kills = faults.iter().all(|fault| fault.starts_with("kill:"));
        if faults.first().is_some_and(|fault| fault.starts_with("kill:driver")) {
            return Self {
                fault: "kill",
                part: "run with",
                every: ["run", "without"],
                counted: "all that a run computed, because a driver that begins again does not know what its earlier \
                          life computed",
            };
        }
        Self {
            fault: if kills { "kill" } else { "fault" },
            part: if streaming { "batch with" } else { "jobs with" },
            every: if streaming { ["every", "batch"] } else { ["without", "it"] },
            counted: "",
        }
    }
}

/// A small number in words, as sentences use it: `five`.
pub fn number_word(n: usize) -> String {
    const WORDS: [&str; 10] = ["no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine"];
    WORDS.get(n).map_or_else(|| n.to_string(), |word| (*word).to_owned())
}

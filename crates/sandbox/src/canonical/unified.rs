//! The lines in which two texts differ, in the form of `diff -u` and as kube-apiserver 1.36 finds them.
//!
//! It takes Ratcliff and Obershelp's way (Python's difflib, in Go `pmezard/go-difflib`): the longest run of equal lines first, then what is before it and
//! what is behind it. In long texts lines that stand there often begin no run. What is found is what people expect, not always the shortest.

use std::collections::HashMap;
use std::ops::Range;

/// How many equal lines stand around a change.
const CONTEXT: usize = 3;
/// From this length on a line that is more than a hundredth of a text begins no run.
const LONG: usize = 200;

/// Equal lines in both texts: where they begin in each, and how many they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Run {
    old: usize,
    new: usize,
    length: usize,
}

/// Lines of the old text in whose place those of the new one stand.
type Change = (Range<usize>, Range<usize>);

/// The changed lines with a few around them; empty when nothing changed.
pub(super) fn unified(old: &[String], new: &[String]) -> String {
    let changes = changes(old, new);
    // What lies further apart than what stands around both is told apart.
    let hunks = changes.chunk_by(|(before, _), (after, _)| after.start - before.end <= 2 * CONTEXT);
    let mut out = Vec::new();
    for hunk in hunks {
        let (Some((first_old, first_new)), Some((last_old, last_new))) = (hunk.first(), hunk.last()) else { continue };
        let (olds, news) = (around(first_old, last_old, old.len()), around(first_new, last_new, new.len()));
        out.push(format!("@@ -{} +{} @@", place(&olds), place(&news)));
        let mut at = olds.start;
        for (gone, come) in hunk {
            out.extend(old[at..gone.start].iter().map(|line| format!(" {line}")));
            out.extend(old[gone.clone()].iter().map(|line| format!("-{line}")));
            out.extend(new[come.clone()].iter().map(|line| format!("+{line}")));
            at = gone.end;
        }
        out.extend(old[at..olds.end].iter().map(|line| format!(" {line}")));
    }
    out.iter().map(|line| format!("{line}\n")).collect()
}

/// The lines from the first change to the last, with those around them.
fn around(first: &Range<usize>, last: &Range<usize>, length: usize) -> Range<usize> {
    first.start.saturating_sub(CONTEXT)..(last.end + CONTEXT).min(length)
}

/// Lines as the head of a hunk names them: the first one, and how many unless it is one.
fn place(lines: &Range<usize>) -> String {
    match lines.len() {
        0 => format!("{},0", lines.start),
        1 => (lines.start + 1).to_string(),
        length => format!("{},{length}", lines.start + 1),
    }
}

/// What lies between equal lines.
fn changes(old: &[String], new: &[String]) -> Vec<Change> {
    let mut runs = Vec::new();
    find(&Texts::new(old, new), 0..old.len(), 0..new.len(), &mut runs);
    runs.push(Run { old: old.len(), new: new.len(), length: 0 });
    let (mut changes, mut at) = (Vec::new(), (0, 0));
    for run in runs {
        if (run.old, run.new) != at {
            changes.push((at.0..run.old, at.1..run.new));
        }
        at = (run.old + run.length, run.new + run.length);
    }
    changes
}

/// Two texts, and where in the new one each line stands that may begin a run.
struct Texts<'a> {
    old: &'a [String],
    new: &'a [String],
    places: HashMap<&'a str, Vec<usize>>,
}

impl<'a> Texts<'a> {
    fn new(old: &'a [String], new: &'a [String]) -> Self {
        let mut places: HashMap<&str, Vec<usize>> = HashMap::new();
        for (at, line) in new.iter().enumerate() {
            places.entry(line).or_default().push(at);
        }
        if new.len() >= LONG {
            places.retain(|_, places| places.len() <= new.len() / 100 + 1);
        }
        Self { old, new, places }
    }

    /// The longest run within some lines of both; of several the first in the old text, and of those the first in the new one.
    fn longest(&self, old: &Range<usize>, new: &Range<usize>) -> Run {
        let mut best = Run { old: old.start, new: new.start, length: 0 };
        // How long the run is that ends at a line of the new text and the old line before.
        let mut ending: HashMap<usize, usize> = HashMap::new();
        for at in old.clone() {
            let mut next = HashMap::new();
            let places = self.places.get(self.old[at].as_str()).map_or(&[][..], Vec::as_slice);
            for place in places.iter().copied().filter(|place| new.contains(place)) {
                let length = 1 + place.checked_sub(1).and_then(|before| ending.get(&before)).copied().unwrap_or(0);
                next.insert(place, length);
                if length > best.length {
                    best = Run { old: at + 1 - length, new: place + 1 - length, length };
                }
            }
            ending = next;
        }
        // Lines that begin no run belong to one.
        while best.old > old.start && best.new > new.start && self.old[best.old - 1] == self.new[best.new - 1] {
            best = Run { old: best.old - 1, new: best.new - 1, length: best.length + 1 };
        }
        while best.old + best.length < old.end
            && best.new + best.length < new.end
            && self.old[best.old + best.length] == self.new[best.new + best.length]
        {
            best.length += 1;
        }
        best
    }
}

/// All runs, in their order.
fn find(texts: &Texts<'_>, old: Range<usize>, new: Range<usize>, runs: &mut Vec<Run>) {
    let run = texts.longest(&old, &new);
    if run.length == 0 {
        return;
    }
    find(texts, old.start..run.old, new.start..run.new, runs);
    runs.push(run);
    find(texts, run.old + run.length..old.end, run.new + run.length..new.end, runs);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(old: &str, new: &str) -> String {
        let lines = |text: &str| text.chars().map(String::from).collect::<Vec<_>>();
        unified(&lines(old), &lines(new)).replace('\n', " ")
    }

    /// As Python's `difflib.unified_diff` tells them.
    #[test]
    fn changes_are_told_as_difflib_tells_them() {
        assert_eq!(told("abc", "abc"), "");
        assert_eq!(told("a", "b"), "@@ -1 +1 @@ -a +b ");
        assert_eq!(told("", "ab"), "@@ -0,0 +1,2 @@ +a +b ");
        // Six equal lines in between join two changes, seven part them.
        assert_eq!(told("x123456y", "X123456Y"), "@@ -1,8 +1,8 @@ -x +X  1  2  3  4  5  6 -y +Y ");
        assert_eq!(told("x1234567y", "X1234567Y"), "@@ -1,4 +1,4 @@ -x +X  1  2  3 @@ -6,4 +6,4 @@  5  6  7 -y +Y ");
        // The longest run is kept, though more lines could be.
        assert_eq!(told("qabxcd", "abycdf"), "@@ -1,6 +1,6 @@ -q  a  b -x +y  c  d +f ");
        assert_eq!(told("abcdxyz", "xabyczd"), "@@ -1,7 +1,7 @@ +x  a  b +y  c +z  d -x -y -z ");
    }

    #[test]
    fn in_long_texts_frequent_lines_begin_no_run() {
        let long = |marked: &str| {
            (0..300).map(|line| if line % 150 == 0 { marked.to_owned() } else { (line % 2).to_string() }).collect::<Vec<_>>()
        };
        // No line begins one: all is another.
        assert_eq!(unified(&long("a"), &long("b")).lines().filter(|line| line.starts_with('-')).count(), 300);
        assert_eq!(unified(&long("a"), &long("a")), "");
    }
}

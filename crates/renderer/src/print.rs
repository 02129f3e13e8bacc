//! What a build prints, on all cores and piece by piece: no more text is held than is being printed at the moment.

use std::convert::Infallible;
use std::io::{self, Write};

use crate::build::Build;
use crate::parallel;

/// What stands between two resources.
const SEPARATOR: &str = "---\n";
/// Resources of a piece: as many as have a text that fits into a processor's cache.
const PIECE: usize = 256;

impl Build {
    /// All resources as kustomize prints them.
    #[must_use]
    pub fn to_yaml(&self) -> String {
        let mut out = String::new();
        let kept: Result<(), Infallible> = self.pieces(|text| {
            out.push_str(text);
            Ok(())
        });
        kept.map_or_else(|never| match never {}, |()| out)
    }

    /// Writes what [`Build::to_yaml`] gives.
    ///
    /// # Errors
    /// What `out` refuses; it may have part of the text then.
    pub fn write_yaml(&self, mut out: impl Write) -> io::Result<()> {
        self.pieces(|text| out.write_all(text.as_bytes()))
    }

    /// Hands on the text in order. The pieces of a round are printed at the same time, into memory that the next round takes over.
    fn pieces<E>(&self, mut take: impl FnMut(&str) -> Result<(), E>) -> Result<(), E> {
        let all = self.resources();
        let part = parallel::part(all.len());
        let mut texts = vec![String::new(); all.len().div_ceil(part)];
        let part = part.min(PIECE);
        for (at, round) in all.chunks(part * texts.len().max(1)).enumerate() {
            parallel::run(round.chunks(part).zip(&mut texts), |(part, place)| {
                // It grows where no other thread looks: what lies side by side goes from core to core with each byte that is added.
                let mut text = std::mem::take(place);
                text.clear();
                for resource in part {
                    text.push_str(SEPARATOR);
                    crate::yaml::emit(&resource.value, &mut text);
                }
                *place = text;
            });
            for (place, text) in texts.iter().enumerate().take(round.len().div_ceil(part)) {
                // Nothing stands before the first one of all.
                take(if (at, place) == (0, 0) { &text[SEPARATOR.len()..] } else { text })?;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use crate::{Memory, Options, build};

    #[test]
    fn many_pieces_make_the_text_that_one_makes() {
        let one =
            |at: usize| format!("apiVersion: v1\ndata:\n  a: {}\nkind: ConfigMap\nmetadata:\n  name: n{at:05}\n", "x".repeat(at % 50 + 1));
        for count in [0, 1, 2, 199, 200, 255, 256, 257, 3000] {
            let text = (0..count).map(one).collect::<Vec<_>>().join("---\n");
            let list = if count == 0 { "resources: []" } else { "resources: [all.yaml]" };
            let files: Memory = [("kustomization.yaml", list), ("all.yaml", &*text)].into_iter().collect();
            let build = build(&files, "", &Options::default()).expect("builds");
            assert!(build.to_yaml() == text, "{count}");
            let mut written = Vec::new();
            build.write_yaml(&mut written).expect("memory takes everything");
            assert!(written == text.as_bytes(), "{count}");
        }
    }
}

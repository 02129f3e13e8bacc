//! What docs/explain-and-diff.md shows is what the binary prints.

use std::path::Path;
use std::process::Command;

/// Runs the commands of the page and puts what they print in the place of what the page shows.
#[test]
fn the_page_shows_what_is_printed() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(2).expect("the crate is in crates/cli");
    let page = std::fs::read_to_string(root.join("docs/explain-and-diff.md")).expect("the page is there");
    let mut commands = 0;
    for block in page.split("```console\n").skip(1) {
        let (block, _) = block.split_once("```").expect("the block ends");
        let (command, shown) = block.split_once('\n').expect("a command and what it prints");
        let mut words = command.split_whitespace();
        assert_eq!((words.next(), words.next()), (Some("$"), Some("fiel")), "{command}");
        let output = Command::new(env!("CARGO_BIN_EXE_fiel")).args(words).current_dir(root).output().expect("fiel starts");
        assert_eq!(String::from_utf8_lossy(&output.stdout), shown, "{command}\n{}", String::from_utf8_lossy(&output.stderr));
        commands += 1;
    }
    assert!(commands > 3, "{commands} commands");
}

//! Replaced by its author.
fn main() {}

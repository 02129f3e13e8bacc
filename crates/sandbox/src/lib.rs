//! Placeholder, replaced by its author.
pub mod controllers;
pub mod node;

//! Structured merge (server-side apply), strategic merge and JSON merge patches over plain JSON values.
//!
//! Three ways in which a change meets an object, all pure: [`structured`] knows who owns which field, [`strategic`] knows which lists have keys, and
//! [`json_merge`] knows nothing but JSON.

pub mod json_merge;
pub mod strategic;
pub mod structured;

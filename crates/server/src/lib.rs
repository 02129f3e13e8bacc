//! The hello web server of the course: the workload that everything else delivers.
//!
//! What it answers is decided by pure functions ([`respond`]); [`Server`] only moves bytes. It answers
//! `GET` and `HEAD` on `/`, `/healthz`, `/readyz` and `/version`, takes its [`Settings`] from the environment,
//! never reads a request's body, and on a signal stops being ready, finishes what it began and ends.

mod connection;
mod page;
mod respond;
mod server;
mod settings;

pub use connection::Limits;
pub use page::escape;
pub use respond::{Site, respond};
pub use server::{Server, until_signal};
pub use settings::{Settings, SettingsError};

//! The agent: source → desired → live → diff → plan → apply → health → status.

pub mod agent;
pub mod apply;
pub mod desired;
pub mod live;
pub mod source;

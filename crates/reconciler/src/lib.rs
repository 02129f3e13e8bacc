//! The agent: source → desired → live → diff → plan → apply → health → status.
//!
//! Decisions are functions from values to values ([`tracking`], [`diff`], [`health`], [`plan`], [`auto`],
//! [`status`]);
//! the edge acts: [`source`] and [`desired`] read Git, [`live`] watches the cluster, [`apply`] changes it, and
//! [`agent`] gives every Application its turn.

pub mod agent;
pub mod application;
pub mod apply;
pub mod auto;
pub mod desired;
pub mod diff;
pub mod health;
pub mod live;
pub mod plan;
pub mod resource;
pub mod source;
pub mod status;
pub mod tracking;

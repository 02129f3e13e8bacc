//! `localize`.

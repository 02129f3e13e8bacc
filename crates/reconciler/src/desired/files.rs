//! A tree as the renderer's file system.

//! Kustomizations, built by the renderer straight from the tree.

//! The one cryptography provider of the process.

use std::sync::Once;

/// Makes ring the process's provider for TLS, once. Called before the first https repository is asked;
/// calling it again, or after the program installed a provider of its own, changes nothing.
pub fn install_crypto() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        // An error means that a provider is there already, which is what is wanted.
        drop(rustls::crypto::ring::default_provider().install_default());
    });
}

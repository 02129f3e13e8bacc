//! What the environment says.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::time::Duration;

/// The version that the page and `/version` show: this package's.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The commit the program was built from, where the build said so (`FIEL_COMMIT`).
const BUILT_FROM: Option<&str> = option_env!("FIEL_COMMIT");

/// Everything that can be set from outside, with its default.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    /// `PORT` (8080; 0 takes a free one): the port to listen on, on every address.
    pub port: u16,
    /// `MESSAGE` ("Hello, GitOps!"): the greeting of the page.
    pub message: String,
    /// `COMMIT`: what runs; without it the commit that the build was told, or "unknown".
    pub commit: String,
    /// `DRAIN_MS` (500): how long the server still accepts connections after the signal while it already says "not
    /// ready", so that the proxies before it have time to turn away.
    pub drain: Duration,
    /// `REQUEST_TIMEOUT_MS` (10000): how long a connection may take to bring a whole request head, counted from when
    /// the server waits for it: slow and idle connections end here, and so do those that take no answer.
    pub request_timeout: Duration,
}

/// A variable of the environment that makes no sense.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum SettingsError {
    /// `PORT` is not a port number.
    #[error("PORT is {0:?}, which is no port: set it to a number from 0 to 65535, or leave it out for 8080")]
    Port(String),
    /// A duration is not a number of milliseconds.
    #[error("{name} is {value:?}, which is no time: set it to a number of milliseconds from 1 to 3600000")]
    Milliseconds {
        /// The variable.
        name: &'static str,
        /// What it holds.
        value: String,
    },
}

impl Settings {
    /// Reads the settings through `variable`, which gives an environment variable's value; an empty value is none.
    ///
    /// # Errors
    /// When a number is none or out of range.
    pub fn from_variables(variable: impl Fn(&str) -> Option<String>) -> Result<Self, SettingsError> {
        let given = |name: &str| variable(name).filter(|value| !value.is_empty());
        let milliseconds = |name: &'static str, default: u64| match given(name) {
            None => Ok(Duration::from_millis(default)),
            Some(value) => match value.parse::<u64>() {
                Ok(number @ 1..=3_600_000) => Ok(Duration::from_millis(number)),
                _ => Err(SettingsError::Milliseconds { name, value }),
            },
        };
        Ok(Self {
            port: match given("PORT") {
                None => 8080,
                Some(value) => value.parse().map_err(|_| SettingsError::Port(value))?,
            },
            message: given("MESSAGE").unwrap_or_else(|| "Hello, GitOps!".to_owned()),
            commit: given("COMMIT").unwrap_or_else(|| BUILT_FROM.unwrap_or("unknown").to_owned()),
            drain: milliseconds("DRAIN_MS", 500)?,
            request_timeout: milliseconds("REQUEST_TIMEOUT_MS", 10_000)?,
        })
    }

    /// Where to listen: the port on every IPv4 address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), self.port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<Settings, SettingsError> {
        Settings::from_variables(|name| pairs.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned()))
    }

    #[test]
    fn defaults() {
        let settings = read(&[]).unwrap();
        assert_eq!((settings.port, settings.message.as_str()), (8080, "Hello, GitOps!"));
        assert_eq!(settings.drain, Duration::from_millis(500));
        assert_eq!(settings, read(&[("PORT", ""), ("MESSAGE", ""), ("COMMIT", "")]).unwrap());
    }

    #[test]
    fn what_is_set_counts() {
        let settings = read(&[("PORT", "9000"), ("MESSAGE", "Olá"), ("COMMIT", "abc"), ("DRAIN_MS", "1")]).unwrap();
        assert_eq!((settings.port, settings.message.as_str(), settings.commit.as_str()), (9000, "Olá", "abc"));
        assert_eq!(settings.drain, Duration::from_millis(1));
        assert_eq!(settings.address().to_string(), "0.0.0.0:9000");
    }

    #[test]
    fn nonsense_is_refused_by_name() {
        for port in ["http", "65536", "-1", "80 "] {
            assert_eq!(read(&[("PORT", port)]), Err(SettingsError::Port(port.to_owned())));
        }
        for drain in ["soon", "0", "3600001"] {
            let error = read(&[("DRAIN_MS", drain)]).unwrap_err().to_string();
            assert!(error.starts_with("DRAIN_MS is"), "{error}");
        }
    }
}

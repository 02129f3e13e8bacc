//! Which local program stands for which image.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Local programs by image repository (`user/gitopsfc`, without a tag).
#[derive(Debug, Clone, Default)]
pub struct Images {
    programs: BTreeMap<String, PathBuf>,
}

impl Images {
    /// No image is known.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Also runs `program` for every tag of the image `repository`.
    #[must_use]
    pub fn with(mut self, repository: impl Into<String>, program: impl Into<PathBuf>) -> Self {
        self.programs.insert(repository.into(), program.into());
        self
    }

    /// The program for an image, and the image's tag (or digest).
    pub(crate) fn find(&self, image: &str) -> Option<(&Path, String)> {
        let (repository, tag) = split(image);
        Some((self.programs.get(repository)?.as_path(), tag.to_owned()))
    }
}

/// An image's repository: what it is called without tag and digest.
pub(super) fn repository(image: &str) -> &str {
    split(image).0
}

/// An image's repository, and its digest, else its tag, else `latest`.
fn split(image: &str) -> (&str, &str) {
    let (rest, digest) = image.split_once('@').map_or((image, None), |(rest, digest)| (rest, Some(digest)));
    // A colon before the last slash is that of a registry's port.
    let name_start = rest.rfind('/').map_or(0, |slash| slash + 1);
    match rest[name_start..].find(':') {
        Some(colon) => (&rest[..name_start + colon], digest.unwrap_or(&rest[name_start + colon + 1..])),
        None => (rest, digest.unwrap_or("latest")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_known_by_repository() {
        assert_eq!(split("user/gitopsfc:abc"), ("user/gitopsfc", "abc"));
        assert_eq!(split("user/gitopsfc"), ("user/gitopsfc", "latest"));
        assert_eq!(split("localhost:5000/a/b"), ("localhost:5000/a/b", "latest"));
        assert_eq!(split("localhost:5000/a/b:v1@sha256:12"), ("localhost:5000/a/b", "sha256:12"));
        let images = Images::new().with("user/gitopsfc", "/bin/true");
        assert!(images.find("user/gitopsfc:v2").is_some_and(|(program, tag)| program == Path::new("/bin/true") && tag == "v2"));
        assert!(images.find("user/other:v2").is_none());
    }
}

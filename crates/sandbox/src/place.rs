//! The place of a field in an object while it is looked for: a chain of steps, of which a text is made only when somebody is told of it.

use std::fmt;

/// A place; it borrows the one that it is in.
#[derive(Clone, Copy)]
pub(crate) enum Place<'a> {
    /// The object itself.
    Top,
    Field(&'a Place<'a>, &'a str),
    Item(&'a Place<'a>, usize),
}

impl Place<'_> {
    /// The same as a JSON pointer.
    pub(crate) fn pointer(&self) -> String {
        match self {
            Self::Top => String::new(),
            Self::Field(outer, name) => format!("{}/{}", outer.pointer(), name.replace('~', "~0").replace('/', "~1")),
            Self::Item(outer, index) => format!("{}/{index}", outer.pointer()),
        }
    }
}

impl fmt::Display for Place<'_> {
    /// As in `spec.containers[0].image`.
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top => Ok(()),
            Self::Field(Place::Top, name) => out.write_str(name),
            Self::Field(outer, name) => write!(out, "{outer}.{name}"),
            Self::Item(outer, index) => write!(out, "{outer}[{index}]"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_written_from_the_outside_in() {
        let spec = Place::Field(&Place::Top, "spec");
        let ports = Place::Field(&spec, "ports");
        let name = Place::Field(&Place::Item(&ports, 1), "a/b");
        assert_eq!(name.to_string(), "spec.ports[1].a/b");
        assert_eq!(name.pointer(), "/spec/ports/1/a~1b");
    }
}

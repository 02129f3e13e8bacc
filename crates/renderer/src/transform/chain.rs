//! Transformers one after the other. Those that look at nothing but the resource at hand are all applied to it at once, while it is in the processor's cache.

use super::{Change, Transformer};
use crate::error::{Error, Gathered, Result};
use crate::names::Names;
use crate::parallel;
use crate::resource::Resource;

/// Applies the first transformer and those behind it that can go along; tells how many, and what of them failed. `names` is made when it is needed and
/// kept up to date for the next ones; where all names or places may change it goes.
pub(crate) fn apply_in_turn(steps: &[Transformer], resources: &mut Vec<Resource>, names: &mut Option<Names>) -> (usize, Result<()>) {
    let changes: Vec<Change<'_>> = steps.iter().map_while(Transformer::each).collect();
    let (done, outcome) = match (changes.as_slice(), steps) {
        ([], []) => (0, Ok(false)),
        ([], [first, ..]) => (1, first.change_all(resources, names)),
        (changes, _) => {
            if steps[..changes.len()].iter().any(Transformer::renames) {
                *names = None;
            }
            (changes.len(), each(changes, resources))
        }
    };
    // What failed may have emptied resources as well.
    if !matches!(outcome, Ok(false)) {
        *names = None;
        resources.retain(|resource| !resource.is_empty());
    }
    (done, outcome.map(drop))
}

/// Makes all changes to each resource; tells whether one is empty now. Errors come in the order in which they would have come if each change had been
/// made to all resources before the next one.
fn each(changes: &[Change<'_>], resources: &mut [Resource]) -> Result<bool> {
    let part = parallel::part(resources.len());
    let outcomes = parallel::run(resources.chunks_mut(part), |part| each_of(changes, part));
    let emptied = outcomes.iter().any(|outcome| matches!(outcome, Ok(true)));
    let mut failed: Vec<(usize, Error)> = outcomes.into_iter().filter_map(std::result::Result::err).flatten().collect();
    // Equals stay in their order.
    failed.sort_by_key(|(at, _)| *at);
    let mut errors = Gathered::default();
    failed.into_iter().for_each(|(_, error)| errors.note(error));
    errors.finish().map(|()| emptied)
}

fn each_of(changes: &[Change<'_>], resources: &mut [Resource]) -> Result<bool, Vec<(usize, Error)>> {
    let (mut emptied, mut failed) = (false, Vec::new());
    for resource in resources {
        for (at, change) in changes.iter().enumerate() {
            if resource.is_empty() {
                break;
            }
            if let Err(error) = change(resource) {
                add(&mut failed, at, error);
            }
        }
        emptied |= resource.is_empty();
    }
    if failed.is_empty() { Ok(emptied) } else { Err(failed) }
}

/// Keeps the error of a change; of many, those of the first changes.
#[cold]
fn add(failed: &mut Vec<(usize, Error)>, at: usize, error: Error) {
    failed.push((at, error));
    if failed.len() >= 2 * Gathered::MOST {
        failed.sort_by_key(|(at, _)| *at);
        failed.truncate(Gathered::MOST);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::error::ErrorKind;
    use crate::yaml::Value;

    fn refuse(name: &'static str, with: &'static str) -> Change<'static> {
        Box::new(move |resource| match resource.name() == name {
            true => Err(Error::new(ErrorKind::Resource, with)),
            false => Ok(()),
        })
    }

    fn resources(count: usize) -> Vec<Resource> {
        let text: String = (0..count).map(|at| format!("---\n{{kind: A, metadata: {{name: r{at}}}}}\n")).collect();
        crate::read::resources(text.as_bytes(), "t").expect("is YAML")
    }

    #[test]
    fn errors_come_as_if_each_change_were_made_to_all_before_the_next() {
        let mut all = resources(1000);
        let told = |changes: &[Change<'_>], all: &mut [Resource]| each(changes, all).map_err(|error| error.message().to_owned());
        let changes = [refuse("none", "no"), refuse("r1", "second change"), refuse("r3", "third change"), refuse("r0", "fourth change")];
        assert_eq!(told(&changes, &mut all), Err("second change".to_owned()));
        let changes = [refuse("r999", "first change"), refuse("r1", "second change")];
        assert_eq!(told(&changes, &mut all), Err("first change".to_owned()));
        let changes = [refuse("r999", "late"), refuse("r998", "later"), refuse("r997", "last")];
        let error = each(&changes, &mut all).expect_err("refused");
        assert_eq!(error.to_string(), "late\nlater\nlast");
        let refuse_all: Change<'static> =
            Box::new(|resource| Err(Error::new(ErrorKind::Resource, format!("all, such as {}", resource.name()))));
        let error = each(&[refuse_all, refuse("r0", "then one")], &mut all).expect_err("refused");
        assert_eq!((error.message(), error.others().len()), ("all, such as r0", 19));
    }

    #[test]
    fn what_one_change_empties_the_next_does_not_meet() {
        let mut all = resources(3);
        let empty: Change<'_> = Box::new(|resource| {
            if resource.name() == "r1" {
                resource.value = Value::null();
            }
            Ok(())
        });
        assert_eq!(each(&[empty, refuse("", "met it")], &mut all), Ok(true));
    }
}

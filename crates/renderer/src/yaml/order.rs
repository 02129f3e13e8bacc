//! The "natural" order in which go-yaml writes the keys of a map.

use std::cmp::Ordering;

/// Letters last, other characters first, runs of digits by value. Not transitive for keys like `v2`, `v10`, `v1beta1`.
#[inline]
pub(super) fn compare(a: &str, b: &str) -> Ordering {
    match (a.as_bytes().first(), b.as_bytes().first()) {
        // Mostly the first letters decide.
        (Some(x), Some(y)) if x != y && x.is_ascii_alphabetic() && y.is_ascii_alphabetic() => x.cmp(y),
        _ => compare_all(a, b),
    }
}

fn compare_all(a: &str, b: &str) -> Ordering {
    let (left, right) = (a.as_bytes(), b.as_bytes());
    let common = left.iter().zip(right).take_while(|(x, y)| x == y).count();
    if let (Some(x), Some(y)) = (left.get(common), right.get(common))
        && x.is_ascii_alphabetic()
        && y.is_ascii_alphabetic()
    {
        return x.cmp(y);
    }
    if a.is_ascii() && b.is_ascii() {
        return at_difference(&|i| left.get(i).map(|c| char::from(*c)), &|i| right.get(i).map(|c| char::from(*c)), common);
    }
    let (left, right): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let common = left.iter().zip(&right).take_while(|(x, y)| x == y).count();
    at_difference(&|i| left.get(i).copied(), &|i| right.get(i).copied(), common)
}

fn at_difference(left: &dyn Fn(usize) -> Option<char>, right: &dyn Fn(usize) -> Option<char>, at: usize) -> Ordering {
    let (a, b) = match (left(at), right(at)) {
        (None, None) => return Ordering::Equal,
        (None, Some(_)) => return Ordering::Less,
        (Some(_), None) => return Ordering::Greater,
        (Some(a), Some(b)) => (a, b),
    };
    let less = |yes: bool| if yes { Ordering::Less } else { Ordering::Greater };
    let after_digit = at > 0 && left(at - 1).is_some_and(char::is_numeric);
    match (a.is_alphabetic(), b.is_alphabetic()) {
        (true, true) => return a.cmp(&b),
        (false, false) => {}
        (is_letter, other_is_letter) => return less(if after_digit { is_letter } else { other_is_letter }),
    }
    let seed = if a == '0' || b == '0' { nonzero_digit_before(left, at) } else { 0 };
    let (a_value, a_end) = run(left, at, seed);
    let (b_value, b_end) = run(right, at, seed);
    a_value.cmp(&b_value).then(a_end.cmp(&b_end)).then(a.cmp(&b))
}

/// 1 when the run of digits that ends here already began with something else than zeros: then zeros count.
fn nonzero_digit_before(chars: &dyn Fn(usize) -> Option<char>, at: usize) -> i64 {
    for i in (0..at).rev() {
        match chars(i) {
            Some('0') => {}
            Some(c) if c.is_ascii_digit() => return 1,
            _ => break,
        }
    }
    0
}

fn run(chars: &dyn Fn(usize) -> Option<char>, at: usize, seed: i64) -> (i64, usize) {
    let (mut value, mut end) = (seed, at);
    while let Some(c) = chars(end).filter(char::is_ascii_digit) {
        value = value.wrapping_mul(10).wrapping_add(i64::from(u32::from(c) - u32::from('0')));
        end += 1;
    }
    (value, end)
}

/// Whether keys stand in their order.
pub(super) fn is_sorted<'a>(mut keys: impl Iterator<Item = &'a str>) -> bool {
    let Some(mut previous) = keys.next() else { return true };
    keys.all(|key| compare(key, std::mem::replace(&mut previous, key)) != Ordering::Less)
}

/// Sorts by a comparison that need not be an order: the library's sort may panic on such a one.
pub(super) fn sort<T>(items: &mut [T], key: impl Fn(&T) -> &str) {
    let less = |a: &T, b: &T| compare(key(a), key(b)) == Ordering::Less;
    if is_sorted(items.iter().map(&key)) {
        return;
    }
    if items.len() <= 12 {
        for i in 1..items.len() {
            let mut j = i;
            while j > 0 && less(&items[j], &items[j - 1]) {
                items.swap(j, j - 1);
                j -= 1;
            }
        }
        return;
    }
    heap_sort(items, &less);
}

fn heap_sort<T>(items: &mut [T], less: &dyn Fn(&T, &T) -> bool) {
    let sift = |items: &mut [T], mut root: usize, end: usize| {
        loop {
            let mut child = 2 * root + 1;
            if child >= end {
                return;
            }
            if child + 1 < end && less(&items[child], &items[child + 1]) {
                child += 1;
            }
            if !less(&items[root], &items[child]) {
                return;
            }
            items.swap(root, child);
            root = child;
        }
    };
    let end = items.len();
    for root in (0..end / 2).rev() {
        sift(items, root, end);
    }
    for last in (1..end).rev() {
        items.swap(0, last);
        sift(items, 0, last);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn natural_order() {
        let mut keys = vec!["b", "file10", "A", "file2", "-x", "1", "a001", "a1", "a01", "a2", "a"];
        sort(&mut keys, |k| k);
        assert_eq!(keys, ["-x", "1", "A", "a", "a1", "a01", "a001", "a2", "b", "file2", "file10"]);
    }

    #[test]
    fn many_keys_are_sorted_too() {
        let names: Vec<String> = (0..40).rev().map(|i| format!("k{i}")).collect();
        let mut keys: Vec<&str> = names.iter().map(String::as_str).collect();
        sort(&mut keys, |k| k);
        assert_eq!(keys[0], "k0");
        assert_eq!(keys[39], "k39");
    }
}

//! The arithmetic of a rollout: how many Pods which revision may have next.

use serde_json::Value;

/// The Pods of one revision.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Revision {
    /// Wanted: the revision's `spec.replicas`.
    pub(crate) wanted: i64,
    /// Ready for long enough.
    pub(crate) available: i64,
}

/// How far a rollout may go from the wanted number of Pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Pods that may exist beyond the wanted number.
    pub(crate) surge: i64,
    /// Pods that may be missing.
    pub(crate) unavailable: i64,
}

impl Limits {
    /// From a Deployment's `spec.strategy`: percentages of `replicas` round up for surge and down for unavailable; if both come out as zero,
    /// one Pod may be missing, since nothing could move otherwise.
    pub(crate) fn of(strategy: Option<&Value>, replicas: i64) -> Self {
        let kind = strategy.and_then(|strategy| strategy.get("type")).and_then(Value::as_str);
        if kind == Some("Recreate") {
            return Self { surge: 0, unavailable: replicas };
        }
        let quarter = Value::from("25%");
        let rolling = strategy.and_then(|strategy| strategy.get("rollingUpdate"));
        let field = |name: &str, up| {
            let value = rolling.and_then(|rolling| rolling.get(name)).unwrap_or(&quarter);
            share(value, replicas, up)
        };
        let (surge, unavailable) = (field("maxSurge", true), field("maxUnavailable", false));
        let unavailable = if surge == 0 && unavailable == 0 { 1 } else { unavailable };
        Self { surge, unavailable: unavailable.min(replicas) }
    }
}

/// A number, or a percentage of `whole`; what is neither counts as zero.
pub(crate) fn share(value: &Value, whole: i64, round_up: bool) -> i64 {
    if let Some(number) = value.as_i64() {
        return number;
    }
    let percent = value.as_str().and_then(|text| text.strip_suffix('%')).and_then(|text| text.parse::<i64>().ok()).unwrap_or(0);
    let scaled = whole.saturating_mul(percent);
    if round_up { scaled.saturating_add(99).div_euclid(100) } else { scaled.div_euclid(100) }
}

/// How many Pods the new revision may have now.
pub(crate) fn grow(new: Revision, old: &[Revision], wanted: i64, limits: Limits) -> i64 {
    if new.wanted >= wanted {
        return wanted;
    }
    let all = new.wanted + old.iter().map(|revision| revision.wanted).sum::<i64>();
    let room = (wanted + limits.surge - all).max(0);
    new.wanted + room.min(wanted - new.wanted)
}

/// How many Pods each old revision, eldest first, may keep now: those that are not available go first, then as many as the new ones replace.
pub(crate) fn shrink(new: Revision, old: &[Revision], wanted: i64, limits: Limits) -> Vec<i64> {
    let mut keep: Vec<i64> = old.iter().map(|revision| revision.wanted).collect();
    let least = wanted - limits.unavailable;
    let all = new.wanted + keep.iter().sum::<i64>();
    let missing_new = (new.wanted - new.available).max(0);
    // Never more than what could go even if none of the new ones ever became available.
    let mut budget = all - least - missing_new;
    for (keep, revision) in keep.iter_mut().zip(old) {
        let unhealthy = (revision.wanted - revision.available).clamp(0, budget.max(0));
        *keep -= unhealthy;
        budget -= unhealthy;
    }
    let available = new.available + old.iter().zip(&keep).map(|(revision, keep)| revision.available.min(*keep)).sum::<i64>();
    let mut surplus = (available - least).min(budget).max(0);
    for keep in &mut keep {
        let less = (*keep).min(surplus);
        *keep -= less;
        surplus -= less;
    }
    keep
}

/// New sizes of all revisions when the wanted number changes in the middle of a rollout: each in proportion to its size.
///
/// The largest takes what rounding leaves over.
pub(crate) fn proportional(sizes: &[i64], total: i64) -> Vec<i64> {
    let whole: i64 = sizes.iter().sum();
    if whole == 0 {
        return sizes.to_vec();
    }
    let mut scaled: Vec<i64> = sizes.iter().map(|size| size.saturating_mul(total) / whole).collect();
    let rest = total - scaled.iter().sum::<i64>();
    if let Some((index, _)) = sizes.iter().enumerate().max_by_key(|(index, size)| (**size, std::cmp::Reverse(*index))) {
        scaled[index] = (scaled[index] + rest).max(0);
    }
    scaled
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn revision(wanted: i64, available: i64) -> Revision {
        Revision { wanted, available }
    }

    #[test]
    fn percentages_round_for_the_safe_side() {
        let limits = |surge: Value, unavailable: Value, replicas| {
            Limits::of(
                Some(&json!({"type": "RollingUpdate", "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable}})),
                replicas,
            )
        };
        assert_eq!(limits(json!("25%"), json!("25%"), 2), Limits { surge: 1, unavailable: 0 });
        assert_eq!(limits(json!("25%"), json!("25%"), 10), Limits { surge: 3, unavailable: 2 });
        assert_eq!(limits(json!(0), json!(0), 3), Limits { surge: 0, unavailable: 1 }, "something must be able to move");
        assert_eq!(limits(json!(2), json!(5), 3), Limits { surge: 2, unavailable: 3 }, "no more than all can be missing");
        assert_eq!(Limits::of(None, 4), Limits { surge: 1, unavailable: 1 });
        assert_eq!(Limits::of(Some(&json!({"type": "Recreate"})), 4), Limits { surge: 0, unavailable: 4 });
    }

    #[test]
    fn a_rollout_with_surge_goes_one_by_one() {
        let limits = Limits { surge: 1, unavailable: 0 };
        assert_eq!(grow(revision(0, 0), &[revision(2, 2)], 2, limits), 1);
        assert_eq!(shrink(revision(1, 0), &[revision(2, 2)], 2, limits), [2], "nothing goes before the new one is available");
        assert_eq!(shrink(revision(1, 1), &[revision(2, 2)], 2, limits), [1]);
        assert_eq!(grow(revision(1, 1), &[revision(1, 1)], 2, limits), 2);
        assert_eq!(shrink(revision(2, 2), &[revision(1, 1)], 2, limits), [0]);
    }

    #[test]
    fn what_is_broken_goes_first() {
        let limits = Limits { surge: 1, unavailable: 1 };
        assert_eq!(shrink(revision(1, 1), &[revision(3, 3), revision(1, 0)], 4, limits), [2, 0]);
        assert_eq!(shrink(revision(2, 0), &[revision(3, 0)], 3, limits), [2], "a rollout that is stuck keeps what its repair may need");
    }

    #[test]
    fn scaling_in_the_middle_keeps_the_shares() {
        assert_eq!(proportional(&[5, 8], 13), [5, 8]);
        assert_eq!(proportional(&[10, 3], 26), [20, 6]);
        assert_eq!(proportional(&[1, 2], 4), [1, 3]);
        assert_eq!(proportional(&[0, 0], 4), [0, 0]);
    }

    proptest! {
        /// Whatever the state, a step never makes more Pods than allowed, and never takes away so many that too few remain available.
        #[test]
        fn steps_stay_within_the_limits(wanted in 0_i64..20, surge in 0_i64..5, unavailable in 0_i64..5, new in (0_i64..20, 0_i64..20), old in proptest::collection::vec((0_i64..20, 0_i64..20), 0..4)) {
            let unavailable = if surge == 0 && unavailable == 0 { 1 } else { unavailable }.min(wanted.max(1));
            let limits = Limits { surge, unavailable };
            let new = revision(new.0, new.1.min(new.0));
            let old: Vec<Revision> = old.into_iter().map(|(wanted, available)| revision(wanted, available.min(wanted))).collect();
            let before: i64 = new.wanted + old.iter().map(|revision| revision.wanted).sum::<i64>();
            let grown = grow(new, &old, wanted, limits);
            let olds: i64 = old.iter().map(|revision| revision.wanted).sum();
            prop_assert!(grown + olds <= before.max(wanted + surge));
            let kept = shrink(new, &old, wanted, limits);
            let available_before = new.available + old.iter().map(|revision| revision.available).sum::<i64>();
            let available_after = new.available + old.iter().zip(&kept).map(|(revision, keep)| revision.available.min(*keep)).sum::<i64>();
            prop_assert!(kept.iter().zip(&old).all(|(keep, revision)| *keep >= 0 && *keep <= revision.wanted));
            prop_assert!(available_after >= available_before.min(wanted - unavailable));
        }

        /// Repeating the steps, with every Pod becoming available, ends with the new revision only.
        #[test]
        fn every_rollout_ends(wanted in 1_i64..20, surge in 0_i64..5, unavailable in 0_i64..5, old in proptest::collection::vec(0_i64..20, 0..4)) {
            let unavailable = if surge == 0 && unavailable == 0 { 1 } else { unavailable }.min(wanted);
            let limits = Limits { surge, unavailable };
            let mut new = revision(0, 0);
            let mut old: Vec<Revision> = old.into_iter().map(|wanted| revision(wanted, wanted)).collect();
            for _ in 0..200 {
                let grown = grow(new, &old, wanted, limits);
                if grown == new.wanted {
                    let kept = shrink(new, &old, wanted, limits);
                    old = kept.into_iter().map(|keep| revision(keep, keep)).collect();
                }
                new = revision(grown, grown);
            }
            prop_assert_eq!(new.wanted, wanted);
            prop_assert!(old.iter().all(|revision| revision.wanted == 0));
        }
    }
}

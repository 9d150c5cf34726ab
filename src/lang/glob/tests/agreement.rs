//! Random globs held against the oracle, over all paths of up to 6 symbols.

use super::super::{Glob, Relation, Remainder, intersecting_pairs, product};
use super::oracle::{self, Oracle};

#[test]
fn agrees_with_the_oracle() {
    // A pool, so that the slow oracle answers once per glob and not once per pair.
    let mut random = Random(42);
    let paths = all_paths();
    let pool: Vec<Judged> = (0..300)
        .map(|_| Judged::new(random.glob(), &paths))
        .collect();
    for round in 0..100_000 {
        let (a, b) = (random.below(pool.len()), random.below(pool.len()));
        // Whether they meet is asked of every pair; the rest costs more, so a part will do.
        if round % 10 != 0 {
            check_meeting(&pool[a], &pool[b], &paths);
            continue;
        }
        let expected = check_pair(&pool[a], &pool[b], &paths);
        if round % 40 == 0 {
            assert_relation(&pool[a], &pool[b], expected);
        }
    }
}

/// The witness of a meeting is one, and there is none only when no path is matched by both.
fn check_meeting(a: &Judged, b: &Judged, paths: &[String]) {
    let witness = a.glob.intersect(&b.glob);
    let both = shortest(paths, |i| a.matches[i] && b.matches[i]);
    check_witness(witness.as_deref(), both, &[a, b], &[]);
}

/// What I13 asks for, twice.
const FRESH_PAIRS: usize = 200_000;

#[test]
#[ignore = "long: for release builds"]
fn agrees_with_the_oracle_on_fresh_pairs() {
    let paths = all_paths();
    std::thread::scope(|scope| {
        for seed in 0..2 {
            let paths = &paths;
            scope.spawn(move || {
                let mut random = Random(0xc0_0bd + seed);
                for _ in 0..FRESH_PAIRS / 2 {
                    let a = Judged::new(random.glob(), paths);
                    let b = Judged::new(random.glob(), paths);
                    let expected = check_pair(&a, &b, paths);
                    assert_relation(&a, &b, expected);
                    let c = random.glob();
                    check_exception(&a, &b, &Judged::new(c, paths), paths);
                }
            });
        }
    });
}

#[test]
fn pairs_of_many_are_the_pairs_one_by_one() {
    let mut random = Random(7);
    for _ in 0..20 {
        let globs: Vec<Glob> = (0..40).map(|_| random.glob()).collect();
        let globs: Vec<&Glob> = globs.iter().collect();
        let mut expected = Vec::new();
        for i in 0..globs.len() {
            for j in i + 1..globs.len() {
                if product::common_word(&globs[i].automaton, &globs[j].automaton).is_some() {
                    expected.push((i, j));
                }
            }
        }
        assert_eq!(intersecting_pairs(&globs), expected);
    }
    assert!(intersecting_pairs(&[]).is_empty());
}

/// A glob and what the oracle says of it.
struct Judged {
    glob: Glob,
    oracle: Oracle,
    /// By path.
    matches: Vec<bool>,
}

impl Judged {
    fn new(glob: Glob, paths: &[String]) -> Self {
        let oracle = Oracle::new(glob.as_str());
        assert!(
            oracle.matches(&glob.example()),
            "{glob} on {}",
            glob.example()
        );
        let matches: Vec<bool> = paths.iter().map(|path| oracle.matches(path)).collect();
        for (path, expected) in paths.iter().zip(&matches) {
            assert_eq!(glob.matches(path), *expected, "{glob} on {path}");
        }
        Self {
            glob,
            oracle,
            matches,
        }
    }
}

/// The relation that follows from the witnesses, once they are found right.
fn check_pair(a: &Judged, b: &Judged, paths: &[String]) -> Relation {
    let witness = a.glob.intersect(&b.glob);
    let both = shortest(paths, |i| a.matches[i] && b.matches[i]);
    check_witness(witness.as_deref(), both, &[a, b], &[]);
    assert_eq!(
        a.glob.meets(&b.glob),
        witness.is_some(),
        "{} {}",
        a.glob,
        b.glob
    );

    let only_a = check_remainder(a.glob.minus(&[&b.glob]), &[a], b, paths);
    let only_b = check_remainder(b.glob.minus(&[&a.glob]), &[b], a, paths);
    match (witness.is_some(), only_a, only_b) {
        (false, _, _) => Relation::Disjoint,
        (true, false, false) => Relation::Equal,
        (true, true, false) => Relation::Contains,
        (true, false, true) => Relation::ContainedIn,
        (true, true, true) => Relation::Crossing,
    }
}

fn assert_relation(a: &Judged, b: &Judged, expected: Relation) {
    assert_eq!(a.glob.relation(&b.glob), expected, "{} {}", a.glob, b.glob);
}

fn check_exception(a: &Judged, b: &Judged, excepted: &Judged, paths: &[String]) {
    let remainder = a.glob.intersect_minus(&b.glob, &[&excepted.glob]);
    check_remainder(remainder, &[a, b], excepted, paths);
}

/// Whether there is a remainder.
fn check_remainder(
    remainder: Remainder,
    inside: &[&Judged],
    outside: &Judged,
    paths: &[String],
) -> bool {
    let witness = match remainder {
        Remainder::Nothing => None,
        Remainder::Path(path) => Some(path),
        Remainder::Unknown => panic!("{} minus {}: gave up", inside[0].glob, outside.glob),
    };
    let expected = shortest(paths, |i| {
        inside.iter().all(|glob| glob.matches[i]) && !outside.matches[i]
    });
    check_witness(witness.as_deref(), expected, inside, &[outside]);
    witness.is_some()
}

/// A witness is right if the oracle agrees with it and knows no shorter one; none is right if
/// the oracle knows none either.
fn check_witness(
    witness: Option<&str>,
    known: Option<&str>,
    inside: &[&Judged],
    outside: &[&Judged],
) {
    let globs: Vec<&Glob> = inside
        .iter()
        .chain(outside)
        .map(|judged| &judged.glob)
        .collect();
    let Some(witness) = witness else {
        assert_eq!(known, None, "{globs:?}");
        return;
    };
    assert!(
        inside.iter().all(|judged| judged.oracle.matches(witness)),
        "{globs:?}: {witness}"
    );
    assert!(
        !outside.iter().any(|judged| judged.oracle.matches(witness)),
        "{globs:?}: {witness}"
    );
    let length = witness.chars().count();
    assert!(
        known.is_none_or(|known| length <= known.len()),
        "{globs:?}: {witness}, {known:?}"
    );
}

/// The first of `paths`, which come shortest first, with `is`.
fn shortest(paths: &[String], is: impl Fn(usize) -> bool) -> Option<&str> {
    (0..paths.len()).find(|&i| is(i)).map(|i| paths[i].as_str())
}

/// All paths of up to 6 symbols of `a b / .`, shortest first.
fn all_paths() -> Vec<String> {
    let mut layer = vec![String::new()];
    let mut paths = Vec::new();
    for _ in 0..6 {
        let longer = |text: &String| {
            "ab/."
                .chars()
                .map(|c| format!("{text}{c}"))
                .collect::<Vec<_>>()
        };
        layer = layer.iter().flat_map(longer).collect();
        paths.extend(layer.iter().filter(|path| oracle::is_path(path)).cloned());
    }
    paths
}

/// splitmix64: the same globs in every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// Pieces strewn at random until they parse: odd braces and all.
    fn glob(&mut self) -> Glob {
        const PIECES: &str = "a a b b . / / / / * * * ? ** /** **/ /**/ [ab] [!a] [!.] [a-b] [^ab] \\. \
                              { { , , } } {a,b} {a,} {/,b} {a/**,b/*} {**/,}";
        let pieces: Vec<&str> = PIECES.split(' ').collect();
        loop {
            let length = 1 + self.below(8);
            let text: String = (0..length)
                .map(|_| pieces[self.below(pieces.len())])
                .collect();
            if let Ok(glob) = Glob::parse(&text) {
                return glob;
            }
        }
    }
}

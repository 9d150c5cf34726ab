//! What a glob means, held against tables and against the oracle.

use super::oracle::{self, Oracle};
use super::*;

fn glob(source: &str) -> Glob {
    Glob::parse(source).unwrap_or_else(|error| panic!("{source}: {error}"))
}

#[test]
fn matches_as_written_down() {
    let cases: &[(&str, &[&str], &[&str])] = &[
        ("a", &["a"], &["", "b", "aa", "a/b", "a/", "/a", "A"]),
        ("a/b.rs", &["a/b.rs"], &["a/b", "a/b.rs/c", "a//b.rs"]),
        (
            "*",
            &["a", ".a", "a.b", "ä", "a\nb"],
            &["", "a/b", ".", "..", "a\0"],
        ),
        ("a*", &["a", "ab", "a.b"], &["ba", "a/b", "b"]),
        (
            "*.rs",
            &[".rs", "x.rs", "x.y.rs"],
            &["x.rsx", "a/x.rs", "rs"],
        ),
        ("*a*b*", &["ab", "xaybz", "aab"], &["ba", "a", "b"]),
        ("?", &["a", "ß", "日"], &["", "ab", ".", "/"]),
        ("a?c", &["abc", "a.c"], &["ac", "a/c", "abbc"]),
        ("a/*", &["a/b", "a/.b"], &["a", "a/", "a/b/c", "a/.."]),
        (
            "infra/**",
            &["infra/a", "infra/a/b/c", "infra/.git"],
            &["infra", "infra/", "infrax/a"],
        ),
        ("**", &["a", "a/b", ".x/y"], &["", "a//b", "a/../b", "./a"]),
        ("**/x", &["x", "a/x", "a/b/x"], &["xx", "a/xx", "x/a", "ax"]),
        (
            "a/**/b",
            &["a/b", "a/x/b", "a/x/y/b", "a/b/b"],
            &["ab", "a/xb", "a", "b", "a/b/c"],
        ),
        ("**/a/**", &["a/x", "x/a/y", "a/a"], &["a", "x/a", "x/y"]),
        ("**/**", &["a", "a/b"], &[""]),
        ("**/**/x", &["x", "a/x", "a/b/c/x"], &["a"]),
        ("a/**/**/b", &["a/b", "a/x/b", "a/x/y/z/b"], &["a"]),
        ("dir/", &["dir/a", "dir/a/b"], &["dir", "dir/"]),
        // `**` may cross nothing, so a `/` after it changes nothing.
        ("dir/**/", &["dir/a", "dir/a/b"], &["dir"]),
        ("**/", &["a", "a/b"], &[""]),
        ("[abc]", &["a", "b", "c"], &["d", "ab", ""]),
        ("[a-c]x", &["ax", "bx", "cx"], &["dx", "x"]),
        ("[!a]", &["b", "ß", "-"], &["a", "/", ".", ""]),
        ("[^a-z]", &["A", "0"], &["q"]),
        ("a[!b]c", &["axc", "a.c"], &["a/c", "abc"]),
        ("[]]", &["]"], &["[", "[]"]),
        ("[!]]", &["a"], &["]"]),
        ("[a-]", &["a", "-"], &["b"]),
        ("[-a]", &["a", "-"], &["b"]),
        ("[+-9]", &["+", "5", "-"], &["/", "a"]),
        ("[\\]\\-x]", &["]", "-", "x"], &["\\", "y"]),
        ("[*?{,}]", &["*", "?", "{", ",", "}"], &["a"]),
        ("{a,b}", &["a", "b"], &["ab", "c", ""]),
        ("{a}", &["a"], &["{a}"]),
        ("x{,y}z", &["xz", "xyz"], &["xyyz"]),
        (
            "{src,test}/**/*.{rs,md}",
            &["src/a.rs", "test/x/.md"],
            &["src/a.py", "doc/a.rs"],
        ),
        (
            "{a,b/{c,d{e,f}}}",
            &["a", "b/c", "b/de", "b/df"],
            &["b", "c", "b/d"],
        ),
        ("{a,b}{c,d}", &["ac", "ad", "bc", "bd"], &["ab", "cd"]),
        ("a{/b,}", &["a", "a/b"], &["ab", "a/"]),
        ("{a/,}b", &["b", "a/b"], &["ab"]),
        ("{**,a}/b", &["b", "a/b", "x/y/b"], &["a"]),
        ("a{/**,}", &["a", "a/b", "a/b/c"], &["ab"]),
        ("a{/**,}/b", &["a/b", "a/x/b"], &["ab", "a"]),
        ("{**/,}b", &["b", "x/b", "x/y/b"], &["xb"]),
        (
            "{src/,docs/,x}",
            &["src/a/b", "docs/a", "x"],
            &["src", "docs", "x/y"],
        ),
        ("*{a,}*", &["a", "b", "xay"], &["a/b"]),
        ("a/{,b}", &["a/b", "a/x/y"], &["a"]),
        ("a,b", &["a,b"], &["a", "b"]),
        ("a]", &["a]"], &["a"]),
        ("\\*\\?\\[\\{\\}\\\\", &["*?[{}\\"], &["x?[{}\\"]),
        ("{a\\,b,c}", &["a,b", "c"], &["a", "b"]),
        ("\\~/x", &["~/x"], &["x"]),
        ("a~", &["a~"], &["a"]),
        (".a/..b/...", &[".a/..b/..."], &["a/b"]),
        (".?", &[".a"], &["..", "."]),
        ("*.", &["a.", "..."], &[".", "..", "a"]),
        ("日本/*", &["日本/語"], &["日/語", "日本"]),
        ("[а-я]", &["ж"], &["z"]),
        ("C\\:/x", &["C:/x"], &["x"]),
    ];
    for (source, yes, no) in cases {
        let glob = glob(source);
        for (paths, expected) in [(yes, true), (no, false)] {
            for path in *paths {
                assert_eq!(glob.matches(path), expected, "{source} on {path:?}");
                assert_eq!(
                    oracle::matches(source, path),
                    expected,
                    "oracle: {source} on {path:?}"
                );
            }
        }
    }
}

#[test]
fn mistakes_are_told_where_they_are() {
    use GlobErrorKind::*;
    let leaves = |way| LeavesRoot(way);
    let many = format!("{{{}}}", ["a"; 65].join(","));
    let deep = "{a,".repeat(5) + &"}".repeat(5);
    let cases: Vec<(&str, GlobErrorKind, usize, usize)> = vec![
        ("", Empty, 0, 0),
        ("{a,}", Empty, 0, 0),
        ("a[b", UnclosedClass, 1, 1),
        ("a[]", UnclosedClass, 1, 1),
        ("a[b/c", UnclosedClass, 1, 1),
        ("ab{c,d", UnclosedBrace, 2, 1),
        ("{a,{b,c}", UnclosedBrace, 0, 1),
        ("a}", UnopenedBrace, 1, 1),
        ("a{}", EmptyBraces, 1, 2),
        ("x[z-a]", BackwardsRange { from: 'z', to: 'a' }, 2, 3),
        ("[a/b]", SlashInClass, 2, 1),
        ("a\\", DanglingEscape, 1, 1),
        ("src\\main", NeedlessEscape { escaped: 'm' }, 3, 2),
        ("a\\/b", NeedlessEscape { escaped: '/' }, 1, 2),
        ("x/a**", DoubleStarNotAlone, 3, 2),
        ("x/**a", DoubleStarNotAlone, 2, 2),
        ("***", DoubleStarNotAlone, 0, 3),
        ("**{a,b}", DoubleStarNotAlone, 0, 2),
        ("{a,**}b", DoubleStarNotAlone, 3, 2),
        ("**/a/**/b/**/c/**/d/**", TooManyDoubleStars, 20, 2),
        ("**/a/**/b/**/c/**/d/", TooManyDoubleStars, 19, 1),
        (&many, TooManyAlternatives, 0, 1),
        (
            "{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}",
            TooManyAlternatives,
            30,
            1,
        ),
        (&deep, BracesTooDeep, 12, 1),
        ("a//b", EmptySegment, 2, 1),
        ("a/{,b}/c", EmptySegment, 6, 1),
        ("./a", DotSegment, 0, 1),
        ("a/./b", DotSegment, 2, 1),
        ("a/.", DotSegment, 2, 1),
        ("../a", leaves(WayOut::Parent), 0, 2),
        ("a/..", leaves(WayOut::Parent), 2, 2),
        ("a/[.]\\./b", leaves(WayOut::Parent), 2, 2),
        ("{.,a}./b", leaves(WayOut::Parent), 1, 2),
        ("/a", leaves(WayOut::Absolute), 0, 1),
        ("{,a}/b", leaves(WayOut::Absolute), 4, 1),
        ("~/a", leaves(WayOut::Home), 0, 1),
        ("{~,a}/b", leaves(WayOut::Home), 1, 1),
        ("C:\\x", leaves(WayOut::Drive), 0, 2),
        ("{c,d}:/x", leaves(WayOut::Drive), 5, 1),
        ("a\tb", Control { found: '\t' }, 1, 1),
        ("ä\0", Control { found: '\0' }, 2, 1),
        ("a\u{85}b", Control { found: '\u{85}' }, 1, 2),
    ];
    for (source, kind, offset, len) in &cases {
        let error = Glob::parse(source).expect_err(source);
        assert_eq!(
            (&error.kind, error.offset, error.len),
            (kind, *offset, *len),
            "{source}"
        );
        assert!(!error.to_string().is_empty() && !error.help().is_empty());
    }
}

#[test]
fn limits_hold_at_their_edge() {
    assert!(Glob::parse(&"a".repeat(MAX_BYTES)).is_ok());
    let error = Glob::parse(&"a".repeat(MAX_BYTES + 1)).unwrap_err();
    assert_eq!(
        error.kind,
        GlobErrorKind::TooLong {
            bytes: MAX_BYTES + 1
        }
    );
    assert!(Glob::parse(&format!("{{{}}}", ["a"; MAX_ALTERNATIVES].join(","))).is_ok());
    assert!(Glob::parse("{a,b}{a,b}{a,b}{a,b}{a,b}{a,b}").is_ok());
    assert!(Glob::parse("**/a/**/b/**/c/**").is_ok());
    assert!(Glob::parse("**/a/**/b/**/c/").is_ok());
    assert!(Glob::parse("{a,{a,{a,{a,b}}}}").is_ok());
}

#[test]
fn every_glob_matches_its_example() {
    for source in [
        "[!\\ -\u{10ffff}]",
        "a/.[.]{*,?}b",
        ".?",
        "{.,..}*",
        "[.-0]",
        "?./.*/[!a-z]",
    ] {
        let glob = glob(source);
        assert!(
            glob.matches(&glob.example()),
            "{source}: {:?}",
            glob.example()
        );
    }
}

#[test]
fn witnesses_are_short_and_readable() {
    let cases = [
        (
            "platform/**",
            "platform/backstage/*",
            Some("platform/backstage/x"),
        ),
        ("src/**/*.rs", "**/test*", Some("src/test.rs")),
        ("**", "**", Some("x")),
        ("?", "[!x]", Some("y")),
        ("[!a-z]*", "*", Some("0")),
        ("a*", "*b", Some("ab")),
        ("{%,q}", "?", Some("q")),
        ("*/*", "**", Some("x/x")),
        ("a/**/b", "a/*/b", Some("a/x/b")),
        (".*", "*.", Some(".x.")),
        ("docs/*.md", "docs/[A-Z]*", Some("docs/A.md")),
        ("[а-я]", "?", Some("а")),
        ("a", "b", None),
        ("a", "a/**", None),
        ("a/*", "a/*/*", None),
        ("*.rs", "*.md", None),
        ("src/*.rs", "src/**/*.rs/**", None),
        ("A", "a", None),
    ];
    for (a, b, expected) in cases {
        let (a, b) = (glob(a), glob(b));
        assert_eq!(
            a.intersect(&b).as_deref().map(|w| w.replace('X', "A")),
            owned(expected),
            "{a} {b}"
        );
        assert_eq!(a.meets(&b), expected.is_some());
        assert_eq!(
            b.intersect(&a).map(|w| w.len()),
            expected.map(str::len),
            "{b} {a}"
        );
    }
}

fn owned(text: Option<&str>) -> Option<String> {
    text.map(str::to_owned)
}

#[test]
fn relations() {
    use Relation::*;
    let cases = [
        ("a", "b", Disjoint),
        ("infra/**", "infra", Disjoint),
        ("workflows/*", "workflows/*/*", Disjoint),
        ("a/", "a/**", Equal),
        ("**", "**/**", Equal),
        ("{a,b}", "[ab]", Equal),
        ("**/*", "**", Equal),
        ("*", "{.*,[!.]*}", Equal),
        ("{**/,}x", "**/x", Equal),
        ("platform/**", "platform/backstage/*", Contains),
        ("*", "?", Contains),
        ("a/b", "a/*", ContainedIn),
        ("a/*/**", "a/**", ContainedIn),
        ("a*", "*b", Crossing),
        ("*.{rs,md}", "*.{md,txt}", Crossing),
    ];
    for (a, b, expected) in cases {
        let mirrored = match expected {
            Contains => ContainedIn,
            ContainedIn => Contains,
            Disjoint | Equal | Crossing | Unknown => expected,
        };
        assert_eq!(glob(a).relation(&glob(b)), expected, "{a} {b}");
        assert_eq!(glob(b).relation(&glob(a)), mirrored, "{b} {a}");
    }
}

#[test]
fn remainders() {
    let path = |text: &str| Remainder::Path(text.to_owned());
    let cases: &[(&str, &[&str], Remainder)] = &[
        ("a/**", &[], path("a/x")),
        ("a/**", &["a/*"], path("a/x/x")),
        ("a/**", &["a/*", "a/*/**"], Remainder::Nothing),
        ("*", &["x*", "y*"], path("z")),
        ("?", &["[a-z]", "[A-Z]", "[0-9]"], path("_")),
        ("{a,b}/*", &["a/*"], path("b/x")),
        ("a", &["**"], Remainder::Nothing),
        ("src/**", &["**/*.rs", "docs/**"], path("src/x")),
    ];
    for (source, others, expected) in cases {
        let others: Vec<Glob> = others.iter().map(|other| glob(other)).collect();
        let others: Vec<&Glob> = others.iter().collect();
        assert_eq!(
            &glob(source).minus(&others),
            expected,
            "{source} minus {others:?}"
        );
    }
}

#[test]
fn too_costly_a_question_is_left_open() {
    // Nothing is left over up to 20 characters, and which of them were `a` has to be remembered
    // on the way: that doubles the number of sets with every character.
    let short: Vec<String> = (1..=20).map(|n| "?".repeat(n)).collect();
    let costly = glob(&format!("{{{},*a{}}}", short.join(","), "?".repeat(200)));
    let all = glob("*");
    assert_eq!(all.minus(&[&costly]), Remainder::Unknown);
    assert_eq!(costly.minus(&[&all]), Remainder::Nothing);
    assert_eq!(all.relation(&costly), Relation::Unknown);
    assert_eq!(all.intersect(&costly).as_deref(), Some("x"));
}

#[test]
fn examples_are_the_shortest_paths() {
    for (source, example) in [
        ("src/**", "src/x"),
        ("*.rs", ".rs"),
        ("{ab,c}/*/d?", "c/x/dx"),
    ] {
        assert_eq!(glob(source).example(), example);
    }
}

#[test]
fn exceptions_are_taken_from_what_two_globs_share() {
    let shared = |a: &str, b: &str, excepted: &[&str]| {
        let excepted: Vec<Glob> = excepted.iter().map(|other| glob(other)).collect();
        glob(a).intersect_minus(&glob(b), &excepted.iter().collect::<Vec<_>>())
    };
    let path = |text: &str| Remainder::Path(text.to_owned());
    assert_eq!(shared("src/**", "**/*.rs", &[]), path("src/.rs"));
    assert_eq!(shared("src/**", "**/*.rs", &["src/*"]), path("src/x/.rs"));
    assert_eq!(
        shared("platform/**", "platform/a/*", &["platform/a/**"]),
        Remainder::Nothing
    );
    assert_eq!(shared("a/**", "b/**", &[]), Remainder::Nothing);
    assert_eq!(shared("{a,b}/*", "*/c", &["a/*"]), path("b/c"));
}

#[test]
fn shape_of_a_glob() {
    let cases = [
        ("platform/backstage/*", "platform/backstage", true),
        ("stacks/*", "stacks", true),
        ("*", "", true),
        ("{a,b}/*", "", true),
        ("a/{b,c}/*", "a", true),
        ("**", "", false),
        ("src/foo*", "src", false),
        ("src/*.rs", "src", false),
        ("a/b", "a/b", false),
        ("a/b/", "a/b", false),
        ("a/**/*", "a", false),
        ("a\\*/[b]/*", "a*/b", true),
        ("a/x*", "a", false),
    ];
    for (source, prefix, direct) in cases {
        let glob = glob(source);
        assert_eq!(glob.literal_prefix(), prefix, "{source}");
        assert_eq!(glob.covers_direct_children_only(), direct, "{source}");
        assert_eq!(
            (glob.as_str(), glob.to_string()),
            (source, source.to_owned())
        );
    }
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

#[test]
fn ten_thousand_globs_are_not_compared_one_by_one() {
    let globs = large_project();
    let globs: Vec<&Glob> = globs.iter().collect();
    assert_eq!(globs.len(), 10_000);
    assert!(candidate_pairs(&globs).count() < 60_000);
    assert_eq!(intersecting_pairs(&globs).len(), LARGE_PROJECT_PAIRS);
}

/// 100 teams with their own folders, some folders in folders, and two globs on everything.
fn large_project() -> Vec<Glob> {
    let mut globs = vec![glob("**/*.md"), glob("{team-1,team-2}*/**")];
    for i in 0..4_999 {
        let (team, service) = (i / 50, i % 50);
        globs.push(glob(&format!("team-{team}/service-{service}/**")));
        globs.push(glob(&format!("team-{team}/service-{service}/src/*.rs")));
    }
    globs
}

/// Each service with its own sources, `**/*.md` with each `/**`, and the two teams (and those
/// with numbers that start like theirs) with all of theirs, and the first two with each other.
const LARGE_PROJECT_PAIRS: usize = 4_999 + 4_999 + 22 * 50 * 2 + 1;

#[test]
fn agrees_with_the_oracle() {
    // A pool, so that the slow oracle answers once per glob and not once per pair.
    let mut random = Random(42);
    let paths = all_paths();
    let pool: Vec<Judged> = (0..300)
        .map(|_| Judged::new(random.glob(), &paths))
        .collect();
    for _ in 0..20_000 {
        let (a, b) = (random.below(pool.len()), random.below(pool.len()));
        check_pair(&pool[a], &pool[b], &paths);
    }
}

#[test]
#[ignore = "long: for release builds"]
fn agrees_with_the_oracle_on_fresh_pairs() {
    let count: usize = std::option_env!("GLOB_PAIRS")
        .and_then(|n| n.parse().ok())
        .unwrap_or(200_000);
    let paths = all_paths();
    std::thread::scope(|scope| {
        for seed in 0..2 {
            let paths = &paths;
            scope.spawn(move || {
                let mut random = Random(0xc0_0bd + seed);
                for _ in 0..count / 2 {
                    let a = Judged::new(random.glob(), paths);
                    let b = Judged::new(random.glob(), paths);
                    check_pair(&a, &b, paths);
                    let c = random.glob();
                    check_exception(&a, &b, &Judged::new(c, paths), paths);
                }
            });
        }
    });
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

fn check_pair(a: &Judged, b: &Judged, paths: &[String]) {
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
    let expected = match (witness.is_some(), only_a, only_b) {
        (false, _, _) => Relation::Disjoint,
        (true, false, false) => Relation::Equal,
        (true, true, false) => Relation::Contains,
        (true, false, true) => Relation::ContainedIn,
        (true, true, true) => Relation::Crossing,
    };
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
        const PIECES: [&str; 34] = [
            "a",
            "a",
            "b",
            "b",
            ".",
            "/",
            "/",
            "/",
            "/",
            "*",
            "*",
            "*",
            "?",
            "**",
            "/**",
            "**/",
            "/**/",
            "[ab]",
            "[!a]",
            "[!.]",
            "[a-b]",
            "[^ab]",
            "\\.",
            "{",
            "{",
            ",",
            ",",
            "}",
            "}",
            "{a,b}",
            "{a,}",
            "{/,b}",
            "{a/**,b/*}",
            "{**/,}",
        ];
        loop {
            let length = 1 + self.below(8);
            let text: String = (0..length)
                .map(|_| PIECES[self.below(PIECES.len())])
                .collect();
            if let Ok(glob) = Glob::parse(&text) {
                return glob;
            }
        }
    }
}

/// Patterns at the limits, of the kinds that make automata large.
fn worst_patterns() -> Vec<Glob> {
    let fill = |piece: &str, len: usize| piece.repeat(len / piece.len());
    let letters = "abcdefghijklmnopqrstuvwxyz0123456789";
    let stars: String = letters
        .chars()
        .cycle()
        .take(150)
        .map(|c| format!("*{c}"))
        .collect();
    let pairs = "{a,b}".repeat(6);
    let choice: Vec<String> = letters
        .chars()
        .cycle()
        .take(64)
        .enumerate()
        .map(|(i, c)| format!("*{c}{i}*"))
        .collect();
    let unicode: String = ('\u{4e00}'..).take(80).map(|c| format!("*{c}")).collect();
    let quarter = |piece: &str| {
        let part = fill(piece, 110);
        let text = format!("**/{part}x/**/{part}y/**/{part}z/**/{part}");
        text.trim_end_matches('/').to_owned()
    };
    [
        fill("*a", 512),
        fill("*?", 512),
        format!("*a{}", "?".repeat(510)),
        format!("*[ab]{}", "[ab]".repeat(126)),
        stars.clone(),
        format!("**/{stars}/**"),
        fill("*/", 512),
        fill("*/", 510) + "*",
        quarter("*a"),
        quarter("*/"),
        quarter("?*"),
        quarter("[a-m]*"),
        quarter("[!b]"),
        quarter("a/*b/"),
        format!("**/*a{}", "?".repeat(500)),
        format!("{pairs}*a{}", "?".repeat(470)),
        format!("{pairs}{}", fill("*b?", 460)),
        format!("{{{}}}", choice.join(",")),
        format!("**/{{{}}}/**/x", choice[..60].join(",")),
        unicode.clone(),
        format!("**/{unicode}"),
        fill("[ab]*[cd]*", 510),
        fill("[!a]", 512),
        "a".repeat(512),
    ]
    .iter()
    .map(|source| glob(source))
    .collect()
}

#[test]
fn the_worst_patterns_come_to_an_end() {
    // Every third, for unoptimised builds; the timed test takes all.
    let globs: Vec<Glob> = worst_patterns().into_iter().step_by(3).collect();
    for a in &globs {
        for b in &globs {
            let witness = a.intersect(b);
            assert!(
                witness.is_none_or(|w| a.matches(&w) && b.matches(&w)),
                "{a} {b}"
            );
        }
    }
    assert_eq!(globs[0].relation(&globs[0]), Relation::Equal);
}

#[test]
#[ignore = "timed: for release builds on a quiet machine"]
#[expect(clippy::disallowed_methods, reason = "the test itself is about time")]
fn release_figures() {
    use std::time::{Duration, Instant};
    let globs = worst_patterns();
    let mut slowest = [
        (Duration::ZERO, String::new()),
        (Duration::ZERO, String::new()),
    ];
    let mut unknown = 0;
    for a in &globs {
        for b in &globs {
            let mut time = |slot: usize, run: &mut dyn FnMut()| {
                let start = Instant::now();
                run();
                let took = start.elapsed();
                if took > slowest[slot].0 {
                    slowest[slot] = (took, format!("{a}  |  {b}"));
                }
            };
            time(0, &mut || {
                let witness = a.intersect(b);
                assert!(
                    witness.is_none_or(|w| a.matches(&w) && b.matches(&w)),
                    "{a} {b}"
                );
            });
            time(1, &mut || {
                if a.relation(b) == Relation::Unknown {
                    unknown += 1;
                    println!("{a:.20} {b:.20}");
                }
            });
        }
    }
    println!(
        "worst intersect {:?}\nworst relation {:?}",
        slowest[0], slowest[1]
    );
    println!("gave up on {unknown} of {}", globs.len() * globs.len());

    let start = Instant::now();
    let project = large_project();
    println!("parse 10,000: {:?}", start.elapsed());
    let project: Vec<&Glob> = project.iter().collect();
    let start = Instant::now();
    let pairs = intersecting_pairs(&project).len();
    let took = start.elapsed();
    println!("pairs of 10,000: {pairs} in {took:?}");
    for shape in ["**/name-#.rs", "*/x#*", "*#*/a"] {
        let globs: Vec<Glob> = (0..10_000)
            .map(|i| glob(&shape.replace('#', &format!("{i:05}"))))
            .collect();
        let globs: Vec<&Glob> = globs.iter().collect();
        let start = Instant::now();
        let candidates = candidate_pairs(&globs).count();
        println!("{shape}: {candidates} candidates in {:?}", start.elapsed());
        let start = Instant::now();
        let met = candidate_pairs(&globs)
            .take(100_000)
            .filter(|&(i, j)| globs[i].meets(globs[j]))
            .count();
        println!("   {met} of 100,000 in {:?}", start.elapsed());
    }
    let limit = Duration::from_millis(50);
    assert!(slowest.iter().all(|(took, _)| *took < limit) && took < 4 * limit);
}

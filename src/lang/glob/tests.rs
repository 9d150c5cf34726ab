//! What a glob means, held against tables and against the oracle.

mod agreement;
mod cost;
mod oracle;

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

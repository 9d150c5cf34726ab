//! Globs at the limits: questions about them come to an end, and soon.

use super::super::{Glob, Relation, candidate_pairs, intersecting_pairs};
use super::glob;

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

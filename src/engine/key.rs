//! The idempotency key: the same for every attempt at the same work.

/// 128-bit FNV-1a: stable for ever, and good enough where nobody is trying to collide.
const OFFSET: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
const PRIME: u128 = 0x0000_0000_0100_0000_0000_0000_0000_013b;

/// 32 hex digits made from the run, the task's name and its generation. A retry of a failed task
/// keeps its generation and so its key.
pub fn key(run: &str, node: &str, generation: u32) -> String {
    let parts = [
        run.as_bytes(),
        &[0],
        node.as_bytes(),
        &[0],
        &generation.to_be_bytes(),
    ];
    let hash = parts
        .iter()
        .flat_map(|part| part.iter())
        .fold(OFFSET, |hash, byte| {
            (hash ^ u128::from(*byte)).wrapping_mul(PRIME)
        });
    format!("{hash:032x}")
}

#[cfg(test)]
mod tests {
    use super::key;

    #[test]
    fn the_key_never_changes_between_releases() {
        assert_eq!(key("r1", "build", 0), "f1b5a52f411e89e868699ddbbae20c34");
    }

    #[test]
    fn run_name_and_generation_all_count() {
        let all = [
            key("a", "b", 0),
            key("a", "b", 1),
            key("a", "c", 0),
            key("ab", "", 0),
        ];
        assert!(all.iter().enumerate().all(|(i, k)| !all[..i].contains(k)));
    }
}

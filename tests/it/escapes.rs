//! Ways out of a claim, each tried by the program of a task that works in a worktree: every one
//! is found, nothing of it lands, and nothing of the attempt is left.
//!
//! `ann` owns `a/**` and nothing else; the file `b/two.txt` is the ground of `bea`. `$TREE` is
//! the user's own tree.

use crate::ground::{AGENTS, git, nothing_is_left, repository, task};
use crate::live::{events, run};
use crate::space::Space;

/// Runs a script as ann's task, and gives what is said about it.
#[track_caller]
fn breach(script: &str) -> (Space, String) {
    let script = format!("TREE=$(dirname \"$COORD_HOME\")\n{script}");
    let conflict =
        "conflict ownership {\n  detect \"a claim was not kept\"\n  decide bea within 1h\n}\n";
    let left = task("left", "ann", "", &script);
    let text = format!("edition 2026\n\n{conflict}{AGENTS}{left}");
    let space = Space::new().file("main.coord", text);
    let space = space
        .file("a/one.txt", "one\n")
        .file("b/two.txt", "alpha\n");
    let space = repository(space);
    let ran = run(&space, &["--no-wait"]);
    let failed = events(&space)
        .into_iter()
        .find(|e| e["kind"] == "task.failed");
    let failed = failed.unwrap_or_else(|| panic!("it was not found: {ran}"));
    let breach = &failed["why"]["outcome"]["breach"];
    let opened = events(&space)
        .into_iter()
        .any(|e| e["rule"] == "conflict ownership");
    assert!(opened, "no conflict was opened");
    (space, breach["paths"].to_string().replace("\\\\", "\\"))
}

macro_rules! escapes {
    ($($name:ident: $script:expr => [$($found:expr),+];)+) => {$(
        #[test]
        fn $name() {
            let (space, said) = breach($script);
            $(assert!(said.contains($found), "{said}");)+
            let landed = git(&space, &["log", "--author=ann", "--format=%s", "main"]);
            assert_eq!(landed, "");
            nothing_is_left_of_it(&space);
        }
    )+};
}

/// What it did to the user's own tree stays there, for him to see.
#[track_caller]
fn nothing_is_left_of_it(space: &Space) {
    let own = git(space, &["status", "--porcelain"]);
    if own.is_empty() {
        nothing_is_left(space);
    }
    let branches = git(space, &["for-each-ref", "refs/heads/coord"]);
    assert_eq!(branches, "");
}

escapes! {
    a_link_out_of_the_repository:
        "ln -s /etc/passwd a/link" => ["`a/link` (a link to /etc/passwd, out of the repository)"];
    a_link_in_the_place_of_a_file:
        "rm a/one.txt\nln -s ../b/two.txt a/one.txt" => ["`a/one.txt` (a link to ../b/two.txt)"];
    a_folder_that_is_a_link:
        "ln -s ../b a/dir\necho x > a/dir/new.txt" => ["`b/new.txt` (it is new, the ground of `bea`)", "`a/dir`"];
    a_rename_across:
        "mv b/two.txt a/two.txt" => ["`b/two.txt` (it was deleted, the ground of `bea`)"];
    a_hard_link:
        "ln b/two.txt a/hard.txt\necho x >> a/hard.txt" => ["`b/two.txt` (it was changed"];
    a_hard_link_into_the_users_tree:
        "ln \"$TREE/b/two.txt\" a/hard.txt\necho x >> a/hard.txt" => ["`b/two.txt` (it was changed in the tree"];
    another_case:
        "echo x > a/ONE.txt" => ["`a/ONE.txt` (only case tells it from `a/one.txt`)"];
    another_case_of_a_folder:
        "mkdir A\necho x > A/one.txt" => ["`A/one.txt`"];
    a_repository_inside:
        "git init -q a/in\ncd a/in\ngit commit -q --allow-empty -m x" => ["`a/in` (it is a repository of its own)"];
    a_repository_inside_without_a_commit:
        "git init -q a/in\ntouch a/in/file" => ["a/in"];
    a_mode:
        "chmod +x b/two.txt" => ["`b/two.txt` (its mode was changed"];
    a_hook:
        "echo exit 1 > \"$TREE/.git/hooks/pre-commit\"" => ["`.git/hooks/pre-commit`"];
    the_configuration:
        "git config user.name somebody" => ["`.git/config`"];
    what_git_excludes:
        "echo b/ >> \"$TREE/.git/info/exclude\"\necho x > b/new.txt" => ["`.git/info/exclude`"];
    the_branch_of_the_user:
        "export GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x\ngit update-ref refs/heads/main $(git commit-tree 'HEAD^{tree}' -p HEAD -m x)" => ["`refs/heads/main`"];
    a_branch_beside:
        "export GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x\ngit update-ref refs/heads/evil $(git commit-tree 'HEAD^{tree}' -m x)" => ["`refs/heads/evil`"];
    an_ignored_file_in_the_users_tree:
        "echo x > \"$TREE/b/x.log\"" => ["`b/x.log` (it was changed in the tree of the project"];
    the_link_to_the_repository:
        "echo gitdir: /nowhere > .git" => ["`.git` (it leads to another repository)"];
    a_path_from_the_root:
        "echo x >> \"$TREE/b/two.txt\"" => ["`b/two.txt` (it was changed in the tree of the project"];
    its_own_ground_in_the_users_tree:
        "echo x >> \"$TREE/a/one.txt\"" => ["`a/one.txt` (it was changed in the tree of the project"];
    an_ignored_file_in_the_ground_of_others:
        "mkdir b/out\necho x > b/out/new.txt\necho x > b/x.log" => ["`b/out/new.txt` (an ignored file", "`b/x.log`"];
    what_is_ignored:
        "echo b/ >> .gitignore\necho x > b/new.txt" => ["`.gitignore` (it was changed)"];
    a_commit_of_its_own:
        "echo x > b/x\ngit add -A\ngit commit -q -m x\ngit rm -q b/x\ngit commit -q -m y" => ["`b/x` (it was committed, the ground of `bea`)"];
    another_branch:
        "git checkout -q -b other\necho x > b/x\ngit add -A\ngit commit -q -m x\ngit rm -q b/x" => ["`HEAD` (it was switched to other)"];
    no_branch:
        "git checkout -q --detach" => ["`HEAD`"];
    another_base:
        "git commit -q --amend -m x" => ["it no longer stands on what it started from"];
    assumed_unchanged:
        "git update-index --assume-unchanged b/two.txt\necho x >> b/two.txt" => ["`b/two.txt` (it was changed"];
    skipped_in_the_worktree:
        "git update-index --skip-worktree b/two.txt\necho x >> b/two.txt" => ["`b/two.txt` (it was changed"];
    a_sparse_checkout:
        "git sparse-checkout set a" => ["sparse-checkout", "`b/two.txt` (it was deleted"];
    the_times_of_before:
        "touch -r b/two.txt ../ref\nprintf 'ALPHA\\n' > b/two.txt\ntouch -r ../ref b/two.txt\nrm ../ref" => ["`b/two.txt` (it was changed"];
}

#!/bin/sh
# Makes a repository for the team of team.coord, lets the team work in it, and answers what people
# are asked. Usage: team.sh FOLDER [COORD]
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
coord=${2:-coord}

mkdir -p "$folder"
cd "$folder"
git init -q -b main
git config user.name you
git config user.email you@example.org
cp "$here/team.coord" main.coord
echo "what changed" > CHANGES
echo .coord-state/ > .gitignore
echo program >> .gitignore
cat > build.sh <<'BUILD'
set -e
# the parts that are there make a program
cat src/*/*.sh > program 2> /dev/null || exit 0
[ ! -e src/interface/main.sh ] || echo 'main "$@"' >> program
[ -e src/core/greeting.sh ] || exit 0
sh -n program
for test in test/*.sh; do [ ! -e "$test" ] || sh "$test"; done
BUILD
git add -A
git commit -q -m "An empty program"

# two tasks that wait until the other has begun, so that neither sees what the other does
export COORD_HOME="$PWD/.coord-state"
mkdir -m 700 "$COORD_HOME"
cat > "$COORD_HOME/meet.sh" <<'MEET'
[ "$COORD_ATTEMPT" = 1 ] || exit 0
: > "$COORD_HOME/$1.began"
until [ -e "$COORD_HOME/$2.began" ]; do sleep 0.05; done
MEET

# what people say to what they are asked: the way that the inbox names first, and another try
# for what was written outside of its claims
answer() {
    worktree="$COORD_HOME/worktrees/team/release.1"
    [ ! -d "$worktree" ] || echo 1.0 > "$worktree/VERSION"
    "$coord" inbox team |
        sed -n -E 's/.*coord (accept|done|approve) ([0-9]+).*/\1 \2/p; s/.*coord answer ([0-9]+) .*/answer \1 retry/p' |
        while read -r verb item more; do
            # shellcheck disable=SC2086 # no answer is no argument
            "$coord" "$verb" "$item" $more > /dev/null
        done
}

code=0
"$coord" run --run-id team --no-wait || code=$?
for _ in 1 2 3 4 5 6 7 8 9 10 11 12; do
    [ "$code" = 3 ] || break
    answer
    code=0
    "$coord" resume team --no-wait || code=$?
done
[ "$code" = 0 ] || exit "$code"

sh build.sh
echo
git log --reverse --format='%an: %s'

#!/bin/sh
# Makes a repository for the team of team.coord, lets the team work in it, and answers what people
# are asked. Usage: team.sh FOLDER [COORD EXAMPLES], where COORD is the program and EXAMPLES the
# folder of the agents' programs; without them, cargo builds both.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
if [ $# -lt 3 ]; then
    (cd "$here/.." && cargo build --quiet --locked --bin coord \
        --example agent --example tool --example service)
    built=${CARGO_TARGET_DIR:-$here/../target}/debug
    set -- "$folder" "$built/coord" "$built/examples"
fi
coord=$2
PATH=$(cd "$3" && pwd):$PATH
export PATH

mkdir -p "$folder"
cd "$folder"
export COORD_HOME="$PWD/.coord-state"
mkdir -m 700 "$COORD_HOME"

# the agent that is a service says where it listens
mkfifo "$COORD_HOME/address"
service > "$COORD_HOME/address" &
service=$!
trap 'kill $service' EXIT
read -r address < "$COORD_HOME/address"

git init -q -b main
git config user.name you
git config user.email you@example.org
sed "s/127\.0\.0\.1:7300/$address/" "$here/team.coord" > main.coord
echo "what changed" > CHANGES
echo .coord-state/ > .gitignore
echo program >> .gitignore
cat > build.sh <<'BUILD'
set -e
# the parts that are there make a program, which is tried once it is whole
for part in src/core/greeting.sh src/interface/main.sh words/english words/german; do
    [ -e "$part" ] || exit 0
done
cat src/*/*.sh > program
echo 'main "$@"' >> program
sh -n program
for test in test/*.sh; do [ ! -e "$test" ] || sh -e "$test"; done
BUILD
git add -A
git commit -q -m "An empty program"

# two tasks wait here for each other, so that neither sees what the other does
mkfifo "$COORD_HOME/greet" "$COORD_HOME/wording"
cat > "$COORD_HOME/meet.sh" <<'MEET'
echo here > "$COORD_HOME/$1" &
cat "$COORD_HOME/$2" > /dev/null
wait
MEET

# what people do who are given work: they write a file in the worktree of their task
written() {
    worktree="$COORD_HOME/worktrees/team/$1.1"
    [ ! -d "$worktree" ] || echo "$3" > "$worktree/$2"
}

# what people say to what they are asked: the way that the inbox names first, and another try
# for what was written outside of its claims
answer() {
    written name NAME greeter
    written release VERSION 1.0
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
sh program you
echo
git log --reverse --format='%an: %s'

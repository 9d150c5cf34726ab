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
mkdir -p docs
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
cat > .git/meet.sh <<'MEET'
[ "$COORD_ATTEMPT" = 1 ] || exit 0
: > "$COORD_HOME/$1.began"
until [ -e "$COORD_HOME/$2.began" ]; do sleep 0.05; done
MEET

# what people say to what they are asked
answer() {
    "$coord" inbox --format json | tr '{' '\n' | sed -n 's/.*"item":\([0-9]*\).*/\1/p'
}

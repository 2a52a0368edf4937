# shellcheck shell=bash
# Sourced. explore_scratch FOLDER: builds the explorer with the failing scenarios in a copy of the tree under FOLDER; prints
# the binary's path. RCLAB_FAILING names one that is there already. Takes the engine's objects along, with their time stamps.
explore_scratch() {
    local root tree=$1/tree
    if [ -n "${RCLAB_FAILING:-}" ]; then
        realpath "$RCLAB_FAILING"
        return
    fi
    root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
    mkdir -p "$tree/build/explore"
    tar -C "$root" --exclude=./.git --exclude=./build --exclude=./results --exclude=node_modules -cf - . | tar -C "$tree" -xf -
    cp "$tree/tests/explore/failing.c" "$tree/tests/scenarios/failing.c"
    if [ -d "$root/build/explore" ]; then # source.o knows where the tree is, instances which scenarios there are
        find "$root/build/explore" -maxdepth 1 -name '*.[od]' ! -name 'instance-*' ! -name 'source.*' -exec cp -a -t "$tree/build/explore" {} +
    fi
    make -s -C "$tree" build/explore/rclab-explore STRATEGIES="plain biased atomic" >&2 || return 1
    echo "$tree/build/explore/rclab-explore"
}

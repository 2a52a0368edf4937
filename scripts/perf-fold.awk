# perf-fold.awk -- output of `perf script -F comm,ip,sym` to folded stacks: "command;outermost;…;innermost COUNT".
function put(    i, stack) {
    if (depth) {
        stack = command
        for (i = depth; i > 0; i--) stack = stack ";" frame[i]
        count[stack]++
    }
    depth = 0
}
/^[^ \t]/ { put(); command = $1; next }         # a sample begins with its command
/^[ \t]+[0-9a-f]+ / {                           # a frame: address, symbol; innermost first
    name = $0
    sub(/^[ \t]+[0-9a-f]+ /, "", name)
    sub(/\+0x[0-9a-f]+$/, "", name)
    gsub(/;/, ":", name)
    frame[++depth] = name
    next
}
/^[ \t]*$/ { put() }
END { put(); for (stack in count) print stack, count[stack] }

# perf-c2c-map.awk -- names the addresses in the text of `perf c2c report` (standard input) by an allocation map of rclab
# (-v map=FILE): what lies in each line, and for each offset the object's type and field, as in list.head.shared. What is in
# no object (arrays, stacks, statics) stays without a name.
#
# An address becomes two numbers below 2^24 (mawk prints no larger ones whole): the line's key is made of them.
function hex(text,    i, n) {
    text = tolower(text)
    sub(/^0x/, "", text)
    for (i = 1; i <= length(text); i++) n = n * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
    return n + 0
}
function key(address) { return int(address / 16777216) "," int((address % 16777216) / 64) }

# The field at that offset of an object of that type; beyond the known ones the offset itself.
function field(type, offset,    i) {
    for (i = 1; i <= fields[type]; i++)
        if (offset >= at[type, i] && offset < at[type, i] + wide[type, i]) return type "." name[type, i]
    return type "+" offset
}

# "list.head.shared or int.type": a block may have had several types.
function names(address,    k, i, b, text) {
    k = key(address)
    for (i = 1; i <= blocks[k]; i++) {
        b = block[k, i]
        if (address >= start[b] && address < start[b] + bytes[b])
            text = text (text == "" ? "" : " or ") field(typed[b], address - start[b])
    }
    return text
}

# What lies in the line: "list+0 int+0", offsets where it begins in the object.
function line_names(address,    k, i, b, text) {
    k = key(address)
    for (i = 1; i <= blocks[k]; i++) {
        b = block[k, i]
        text = text (text == "" ? "" : ", ") typed[b] (start[b] < address ? " from byte " address - start[b] : " at " start[b] - address)
    }
    return text
}

BEGIN {
    while ((getline entry < map) > 0) {
        split(entry, word, " ")
        if (word[1] == "field") {
            n = ++fields[word[2]]
            at[word[2], n] = word[3] + 0; wide[word[2], n] = word[4] + 0; name[word[2], n] = word[5]
        } else if (word[1] == "block") {
            start[++count] = hex(word[2]); bytes[count] = word[3] + 0; typed[count] = word[4]
            for (a = start[count] - start[count] % 64; a < start[count] + bytes[count]; a += 64)
                block[key(a), ++blocks[key(a)]] = count
        }
    }
    if (!count) {
        print "perf-c2c: no allocation map in " map | "cat 1>&2"
        exit 1
    }
}

/Shared Cache Line Distribution Pareto/ { pareto = 1 }
# the line: a number first, its address last. Its offsets follow, each in a row of shares with the offset first in hexadecimal
pareto && $1 ~ /^[0-9]+$/ && $NF ~ /^0x[0-9a-f]+$/ {
    line = hex($NF)
    text = line_names(line)
    print $0 "   <- " (text == "" ? "no object" : text)
    next
}
pareto && line && $1 ~ /%$/ {
    for (i = 1; i <= NF && $i !~ /^0x[0-9a-f]+$/; i++) continue
    text = i <= NF ? names(line + hex($i)) : ""
    print $0 (text == "" ? "" : "   <- " text)
    next
}
{ print }

# Applies what one mutant of the table changes in one file. Usage: awk -v name=MUTANT -f apply.awk TABLE SOURCE >MUTATED
# Exit 3: the text to be changed is not there exactly once (within the function that `in` names, if it names one).

function stale(why)
{
    printf "stale: %s\n", why >"/dev/stderr"
    failed = 1
    exit 3
}

# The stanza of the mutant: hunks of "-" lines (old text) and "+" lines (new text).
FNR == 1 { file++ }
file == 1 && /^mutant / { mutant = $2; next }
file == 1 && $1 == "file" { ours = mutant == name && $2 == ARGV[2]; scope = ""; next }
file == 1 && ours && $1 == "in" { scope = $2; next }
file == 1 && ours && /^-/ {
    if (side != "-")
        within[++hunks] = scope
    old[hunks] = old[hunks] (side == "-" ? "\n" : "") substr($0, 2)
    side = "-"
    next
}
file == 1 && ours && /^\+/ {
    new[hunks] = new[hunks] (side == "+" ? "\n" : "") substr($0, 2)
    side = "+"
    next
}
file == 1 { next }
{
    text = text $0 "\n"
}

# From a line at the margin that defines the function to the brace that closes it (or the end of that line). There may be
# several (#if): the one that holds the text.
function find_scope(wanted,    at, line, rest, end)
{
    rest = text
    first = 1
    while (rest != "") {
        at = index(rest, "\n")
        line = substr(rest, 1, at - 1)
        if (line ~ /^[A-Za-z_]/ && index(line, scope "(") > 0 && line !~ /;[ \t]*$/) {
            end = line ~ /\}([ \t]*\/\*.*)?$/ ? at : index(rest, "\n}\n") + 2
            last = first + end - 1
            if (index(substr(rest, 1, end), wanted))
                return
        }
        first += at
        rest = substr(rest, at + 1)
    }
    stale("not in " scope ": " wanted)
}

END {
    if (failed)
        exit 3
    if (!hunks)
        stale("the table has no change for " name)
    for (h = 1; h <= hunks; h++) {
        first = 1
        last = length(text)
        scope = within[h]
        if (scope != "")
            find_scope(old[h])
        part = substr(text, first, last - first + 1)
        at = index(part, old[h])
        if (!at)
            stale("not found: " old[h])
        if (index(substr(part, at + 1), old[h]))
            stale("found twice: " old[h])
        text = substr(text, 1, first + at - 2) new[h] substr(text, first + at - 1 + length(old[h]))
    }
    printf "%s", text
}

# perf-flame.awk -- sorted folded stacks to an SVG flame graph. A box is opened when a stack first has its frame at that depth
# below the same frames, and drawn when a stack comes that has not; sorting keeps equal beginnings together.
function escape(text) {
    gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); gsub(/>/, "\\&gt;", text); gsub(/"/, "\\&quot;", text)
    return text
}
function colour(name,    i, hash) {             # the same name has the same colour in every graph
    for (i = 1; i <= length(name); i++) hash = (hash * 31 + index(letters, substr(name, i, 1))) % 9973
    return sprintf("hsl(%d,%d%%,%d%%)", hash % 55, 65 + hash % 20, 62 + hash % 14)
}
function draw(level,    n) {
    n = total - begin[level]
    boxes++
    box_x[boxes] = begin[level]; box_n[boxes] = n; box_level[boxes] = level; box_name[boxes] = open[level]
}
BEGIN {
    width = 1200; row = 18; head = 40
    letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_[]:.+-"
}
{
    n = $NF
    sub(/ [0-9]+$/, "")
    depth = split($0, frame, ";")
    for (same = 0; same < depth && same < opened && frame[same + 1] == open[same + 1]; same++) continue
    for (level = opened; level > same; level--) draw(level)
    for (level = same + 1; level <= depth; level++) { open[level] = frame[level]; begin[level] = total }
    opened = depth
    if (depth > deepest) deepest = depth
    total += n
}
END {
    for (level = opened; level > 0; level--) draw(level)
    height = head + (deepest + 1) * row
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 %d %d\" width=\"%d\" height=\"%d\" font-family=\"monospace\" font-size=\"12\">\n", width, height, width, height
    printf "<rect width=\"100%%\" height=\"100%%\" fill=\"#fff\"/>\n<text x=\"%d\" y=\"24\" text-anchor=\"middle\" font-size=\"15\">%s: %d samples</text>\n", width / 2, escape(title), total
    for (i = 1; i <= boxes; i++) {
        w = box_n[i] / total * width
        if (w < 0.3) continue
        x = box_x[i] / total * width
        y = height - (box_level[i] + 0.5) * row
        name = box_name[i]
        fits = int((w - 4) / 7.3)
        label = fits < 3 ? "" : length(name) <= fits ? name : substr(name, 1, fits - 1) "…"
        printf "<g><title>%s: %d samples, %.1f%%</title><rect x=\"%.2f\" y=\"%d\" width=\"%.2f\" height=\"%d\" fill=\"%s\" stroke=\"#fff\" stroke-width=\"0.5\"/>", escape(name), box_n[i], 100 * box_n[i] / total, x, y, w, row - 1, colour(name)
        if (label != "") printf "<text x=\"%.2f\" y=\"%d\" fill=\"#000\">%s</text>", x + 3, y + 13, escape(label)
        print "</g>"
    }
    print "</svg>"
}

#!/usr/bin/env bash
# docs/picture.sh TITLE <TEXT >PICTURE.svg: what a program printed, as a picture. Flags stand out, checks are green.
#   ./run scenario client-sim/scenarios/04-partner-never-comes.scenario | docs/picture.sh 'doublecrew-sim' >docs/timeline.svg
set -euo pipefail
awk -v title="${1:-}" '
function escape(text) { gsub(/&/, "\\&amp;", text); gsub(/</, "\\&lt;", text); gsub(/>/, "\\&gt;", text); return text }
/^==|^\[|^$/ && count == 0 { next }
{
    line = $0
    while (length(line) > 118) {
        cut = 118
        while (cut > 60 && substr(line, cut, 1) != " ") cut--
        lines[count++] = substr(line, 1, cut)
        line = "                " substr(line, cut + 1)
    }
    lines[count++] = line
}
END {
    while (count > 0 && lines[count - 1] == "") count--
    height = 22 * count + 70
    printf "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 1140 %d\" font-family=\"monospace\" font-size=\"14\">\n", height
    printf "<title>%s</title>\n<rect width=\"1140\" height=\"%d\" rx=\"8\" fill=\"#0b0c0c\"/>\n", escape(title), height
    printf "<text x=\"20\" y=\"28\" fill=\"#b1b4b6\">%s</text>\n", escape(title)
    for (i = 0; i < count; i++) {
        if (lines[i] !~ /^                /) { # a line that goes on keeps its colour
            colour = "#f3f2f1"
            if (lines[i] ~ /FLAG/) colour = "#ffdd00"
            else if (lines[i] ~ /✓/) colour = "#85994b"
            else if (lines[i] ~ /✗/) colour = "#f47738"
            else if (lines[i] ~ / sees /) colour = "#5694ca"
        }
        printf "<text x=\"20\" y=\"%d\" fill=\"%s\" xml:space=\"preserve\">%s</text>\n", 56 + 22 * i, colour, escape(lines[i])
    }
    print "</svg>"
}'

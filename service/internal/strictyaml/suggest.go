package strictyaml

import (
	"slices"
	"strings"
)

// Suggest returns "; did you mean …?" with the known word nearest to given, or
// nothing when none is near.
func Suggest(given string, known []string) string {
	if len(given) > 64 {
		return ""
	}
	best, distance := "", 1+max(1, len(given)/3)
	for _, word := range known {
		if d := edits(strings.ToLower(given), strings.ToLower(word)); d < distance {
			best, distance = word, d
		}
	}
	if best == "" {
		return ""
	}
	return "; did you mean \"" + best + "\"?"
}

// edits counts insertions, deletions, replacements and swaps of neighbours
// between a and b.
func edits(a, b string) int {
	before, row := make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		next := make([]int, len(b)+1)
		next[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			next[j] = slices.Min([]int{row[j] + 1, next[j-1] + 1, row[j-1] + cost})
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				next[j] = min(next[j], before[j-2]+1)
			}
		}
		before, row = row, next
	}
	return row[len(b)]
}

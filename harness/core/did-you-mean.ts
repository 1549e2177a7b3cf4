/** ` (did you mean "kill"?)` when one of the names is close to what was written, and is another; else nothing. */
export function didYouMean(written: string, names: readonly string[]): string {
  if (written.length > 64) return ''
  const ranked = names.map((name) => ({ name, distance: editDistance(written.toLowerCase(), name.toLowerCase()) }))
  const best = ranked.sort((a, b) => a.distance - b.distance)[0]
  if (!best || best.name === written || best.distance > Math.floor(best.name.length / 3)) return ''
  return ` (did you mean "${best.name}"?)`
}

/** Levenshtein's distance with swapped neighbours as one edit (optimal string alignment): "snyc" is close to "sync". */
function editDistance(a: string, b: string): number {
  const rows: number[][] = [Array.from({ length: b.length + 1 }, (_, i) => i)]
  for (let i = 1; i <= a.length; i++) {
    rows[i] = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1]
      const swapped = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      const edits = [rows[i - 1]![j - 1]! + (same ? 0 : 1), rows[i - 1]![j]! + 1, rows[i]![j - 1]! + 1]
      rows[i]![j] = Math.min(...edits, ...(swapped ? [rows[i - 2]![j - 2]! + 1] : []))
    }
  }
  return rows[a.length]![b.length]!
}

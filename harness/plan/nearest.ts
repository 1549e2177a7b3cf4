/** ` (did you mean "kill"?)` when one of the names is close to what was written, else nothing. */
export function suggest(written: string, names: readonly string[]): string {
  if (written.length > 64) return ''
  const ranked = names.map((name) => ({ name, distance: editDistance(written.toLowerCase(), name.toLowerCase()) }))
  const best = ranked.sort((a, b) => a.distance - b.distance)[0]
  if (!best || best.distance > Math.max(1, Math.floor(best.name.length / 3))) return ''
  return ` (did you mean "${best.name}"?)`
}

/** Levenshtein's distance, two rows at a time. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({ length: b.length + 1 }, (_, i) => i)
  for (let i = 1; i <= a.length; i++) {
    const current = [i]
    for (let j = 1; j <= b.length; j++) {
      const replaced = previous[j - 1]! + (a[i - 1] === b[j - 1] ? 0 : 1)
      current.push(Math.min(replaced, previous[j]! + 1, current[j - 1]! + 1))
    }
    previous = current
  }
  return previous[b.length]!
}

/** Above everything of ours, and far below the end of a stack: what walks a request by recursion comes to its end. */
const mostOfAll = 64

/** Whether nothing in it lies deeper than so many levels. Level by level: what comes from outside may be deeper than a stack. */
export function isShallow(document: unknown, mostLevels = mostOfAll): boolean {
  let level: unknown[] = [document]
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > mostLevels) return false
    level = level.flatMap((one) => (typeof one === 'object' && one !== null ? Object.values(one) : []))
  }
  return true
}

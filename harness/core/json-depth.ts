/** What we write, and what the task API says, is nested less than ten deep. */
const mostLevels = 100

/** Whether a JSON text is nested so deeply that walking it could exhaust the stack, or parsing it the memory. */
export function isTooDeep(json: string): boolean {
  let depth = 0
  for (let i = 0; i < json.length; i++) {
    const sign = json.charCodeAt(i)
    if (sign === quote) i = endOfText(json, i)
    else if (sign === bracket || sign === brace) {
      if (++depth > mostLevels) return true
    } else if (sign === closingBracket || sign === closingBrace) depth--
  }
  return false
}

function endOfText(json: string, from: number): number {
  let i = from + 1
  for (let sign; i < json.length && (sign = json.charCodeAt(i)) !== quote; i++) if (sign === backslash) i++
  return i
}

const [quote, backslash, bracket, closingBracket, brace, closingBrace] = [0x22, 0x5c, 0x5b, 0x5d, 0x7b, 0x7d]

/** How a client wants its submission to be answered (RFC 7240, 4.1 and 4.3). */
export interface Preferences {
  /** 202 is welcome: at once, or when `waitMs` is over. */
  readonly respondAsync: boolean
  /** The result is wanted in the answer if it is there by then. Real milliseconds, at every time scale. */
  readonly waitMs: number | undefined
}

/** A day: longer than anything between a client and a server keeps a request. */
const longestWaitMs = 86_400_000

/** Reads `Prefer`. What is malformed or unknown is passed over, and of repeated preferences the first counts, as the RFC has it. */
export function preferencesOf(header: string | undefined): Preferences {
  const named = new Map<string, string>()
  for (const [, name, value = ''] of (header ?? '').matchAll(preference))
    if (!named.has(name!.toLowerCase())) named.set(name!.toLowerCase(), value.replace(/^"(.*)"$/, '$1'))
  const wait = named.get('wait')
  const waitMs = wait !== undefined && /^\d{1,9}$/.test(wait) ? Math.min(Number(wait) * 1000, longestWaitMs) : undefined
  return { respondAsync: named.has('respond-async'), waitMs }
}

/** A name, perhaps a value, perhaps parameters, up to the next comma that is in no quotes. */
const preference =
  /(?<=^|,)\s*([!#$%&'*+.^`|~\w-]+)\s*(?:=\s*("(?:[^"\\]|\\.)*"|[^\s;,"]*))?(?:"(?:[^"\\]|\\.)*"|[^,"])*/g

/** `Preference-Applied` of an answer, or undefined: nothing was asked for, or nothing of it is in this answer. */
export function appliedOf({ respondAsync, waitMs }: Preferences, status: 200 | 202): string | undefined {
  const applied = [
    ...(respondAsync && status === 202 ? ['respond-async'] : []),
    ...(waitMs === undefined ? [] : [`wait=${waitMs / 1000}`]),
  ]
  return applied.length > 0 ? applied.join(', ') : undefined
}

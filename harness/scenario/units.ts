import { z } from 'zod'
import { highestRatePerSec, longestMs } from '../core/limits.ts'
import { describe } from './problems.ts'

const unitMs: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }
const perSecond: Readonly<Record<string, number>> = { s: 1, min: 1 / 60, h: 1 / 3600 }
const part = /(\d+(?:\.\d+)?)(ms|s|m|h)/g

const durationHelp = 'write a duration such as 200ms, 30s, 5m or 1h30m'
const rateHelp = 'write a rate such as 5/s, 30/min or 200/h'
const percentHelp = 'write a percentage such as 94.2 %'
const countInHelp = "write a number and a share of tasks such as '<= 1 in >= 95 %'"
const limitHelp = "write a limit such as '>= 99 %'"
const atMostHelp = "write a limit such as '<= 1 %'"
const withinHelp = "write a limit such as '<= 2 s' or '<= 200ms'"

/** `1h30m` as milliseconds, zero allowed; a year at most. */
export const duration = unit(
  /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+$/,
  Object.keys(unitMs),
  durationHelp,
  parseDuration,
).refine((ms) => ms <= longestMs, { error: `is too long; write at most ${formatDuration(longestMs)}` })

/** The same, more than zero. */
export const positiveDuration = duration.refine((ms) => ms > 0, { error: `0 is too short; ${durationHelp}` })

/** `8m`, or `5s..2m`, from least to most. */
export const durations = unit(
  /^(?:\d+(?:\.\d+)?(?:ms|s|m|h))+(?:\.\.(?:\d+(?:\.\d+)?(?:ms|s|m|h))+)?$/,
  Object.keys(unitMs),
  'write a duration such as 8m, or two such as 5s..2m',
  (text) => {
    const [least, most = least] = text.split('..') as [string, string?]
    return { leastMs: parseDuration(least), mostMs: parseDuration(most) }
  },
)

/** `30/min` as a number per second, more than zero. */
export const rate = unit(/^\d+(?:\.\d+)?\/(?:s|min|h)$/, Object.keys(perSecond), rateHelp, (text) => {
  const [count, per] = text.split('/') as [string, string]
  return Number(count) * perSecond[per]!
})
  .refine((value) => value > 0, { error: `a rate must be more than 0; ${rateHelp}` })
  .refine((value) => value <= highestRatePerSec, { error: `a rate is at most ${highestRatePerSec}/s; ${rateHelp}` })

/** `94.2 %` as a fraction. */
export const percent = unit(/^\d+(?:\.\d+)? ?%$/, ['%'], percentHelp, parsePercent).refine((share) => share <= 1, {
  error: `more than 100 %; ${percentHelp}`,
})

/** `>= 99 %` as a fraction that can be missed, and can be shown. */
export const atLeast = unit(/^>= ?\d+(?:\.\d+)? ?%$/, ['%'], limitHelp, (text) => parsePercent(text.slice(2)))
  .refine((share) => share <= 1, { error: `more than 100 %; ${limitHelp}`, abort: true })
  .refine((share) => share < 1, { error: `100 % cannot be shown by any number of tasks; ${limitHelp}` })
  .refine((share) => share > 0, { error: `0 % holds whatever happens; ${limitHelp}` })

/** `<= 1 %` as a fraction that can be exceeded, and can be shown. */
export const atMost = unit(/^<= ?\d+(?:\.\d+)? ?%$/, ['%'], atMostHelp, (text) => parsePercent(text.slice(2)))
  .refine((share) => share < 1, { error: `100 % and more holds whatever happens; ${atMostHelp}` })
  .refine((share) => share > 0, { error: `0 % cannot be shown by any number of tasks; ${atMostHelp}` })

/** The same of what has no most: `<= 150 %`. */
export const atMostOfWork = unit(/^<= ?\d+(?:\.\d+)? ?%$/, ['%'], atMostHelp, (text) =>
  parsePercent(text.slice(2)),
).refine((share) => share > 0, { error: `0 % cannot be shown by any number of tasks; ${atMostHelp}` })

/** `<= 2 s` in milliseconds, more than zero; a year at most. */
export const within = unit(/^<= ?(?:\d+(?:\.\d+)? ?(?:ms|s|m|h))+$/, Object.keys(unitMs), withinHelp, (text) =>
  parseDuration(text.slice(2).replaceAll(' ', '')),
)
  .refine((ms) => ms > 0, { error: `nothing takes no time; ${withinHelp}` })
  .refine((ms) => ms <= longestMs, { error: `is too long; write at most ${formatDuration(longestMs)}` })

/** How sure an interval is: from 80 to 99.9 %. */
export const confidence = percent.refine((share) => share >= 0.8 && share <= 0.999, {
  error: `a confidence is from 80 to 99.9 %; ${percentHelp}`,
})

/** `<= 1 in >= 95 %`: so many at most, in this share of tasks, which can be missed and can be shown. */
export const countIn = z
  .string({ error: ({ input }) => `${describe(input)} is not allowed here; ${countInHelp}` })
  .regex(/^<= ?\d{1,6} in >= ?\d+(?:\.\d+)? ?%$/, {
    error: ({ input }) => `${describe(input)} cannot be read; ${countInHelp}`,
  })
  .transform((text) => {
    const [most, share] = text.split(' in >=') as [string, string]
    return { atMost: Number(most.slice(2)), min: parsePercent(share) }
  })
  .refine(({ min }) => min > 0 && min < 1, {
    error: `can be shown for more than 0 and less than 100 %; ${countInHelp}`,
  })

/** A duration as a scenario writes it, in at most two units: `90000` is `1m30s`. */
export function formatDuration(ms: number): string {
  if (ms < 1000) return `${trim(ms)}ms`
  if (ms < 60_000) return `${trim(ms / 1000)}s`
  const [large, small] = ms < 3_600_000 ? ['m', 's'] : ['h', 'm']
  const rest = Math.round(ms / unitMs[small!]!)
  return `${Math.floor(rest / 60)}${large}${rest % 60 ? `${rest % 60}${small}` : ''}`
}

function unit<T>(pattern: RegExp, units: readonly string[], help: string, parse: (text: string) => T) {
  return z
    .string({ error: ({ input }) => (input === undefined ? `is missing; ${help}` : explain(input, units, help)) })
    .regex(pattern, { error: ({ input }) => explain(input, units, help) })
    .transform(parse)
}

function explain(input: unknown, units: readonly string[], help: string): string {
  if (typeof input === 'number') return `${describe(input)} has no unit; ${help}`
  if (typeof input !== 'string') return `${describe(input)} is not allowed here; ${help}`
  if (/^(?:[<>]= ?)?-/.test(input)) return `${describe(input)} is negative; ${help}`
  if (/^\d+(?:\.\d+)?$/.test(input)) return `${describe(input)} has no unit; ${help}`
  if (isOtherSide(input, help)) return `${describe(input)} is on the wrong side; ${help}`
  const written = /^\d+(?:\.\d+)? ?\/? ?([a-zA-Zµ]+)$/.exec(input)?.[1]
  if (written && !units.includes(written))
    return `${describe(input)} has an unknown unit ${describe(written)}; ${help} (units: ${units.join(', ')})`
  return `${describe(input)} cannot be read; ${help}`
}

/** A limit from above where only one from below has a meaning, or the other way round. */
function isOtherSide(input: string, help: string): boolean {
  return help.startsWith('write a limit') && /^[<>]=/.test(input) && !help.includes(`'${input.slice(0, 2)}`)
}

function parseDuration(text: string): number {
  return [...text.matchAll(part)].reduce((sum, [, count, name]) => sum + Number(count) * unitMs[name!]!, 0)
}

function parsePercent(text: string): number {
  return Number((Number(text.replace('%', '')) / 100).toPrecision(12))
}

function trim(value: number): string {
  return String(Number(value.toFixed(value < 10 ? 2 : 1)))
}

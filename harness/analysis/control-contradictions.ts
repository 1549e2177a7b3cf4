import { resolutionMs } from '../core/numbers.ts'
import type { Impossible } from './contradictions.ts'
import type { CellTrace, ControlTrace } from './trace.ts'

/** Moments that a probe writes down once of each of its commands, or once at all. */
const once: ReadonlySet<string> = new Set([
  'accepted',
  'ordered',
  'acknowledged',
  'refused',
  'log',
  'account',
  'given-up',
])

/** A probe sends each command once, and writes down one answer after that. Its steps end after they start, and before they are known. */
export function contradictingControls({ controls }: CellTrace): readonly Impossible[] {
  return [...controls.values()].flatMap((control) => {
    const found = twiceSeen(control) ?? unasked(control) ?? backwardEffect(control)
    return found ? [{ ...found, text: `${control.key}: ${found.text}` }] : []
  })
}

function twiceSeen({ seen }: ControlTrace): Impossible | undefined {
  const first = new Map<string, number>()
  for (const { index, value } of seen) {
    if (!once.has(value.moment)) continue
    const what = [value.moment, value.command].join(' ').trimEnd()
    const known = first.get(what)
    if (known !== undefined) return { text: `its client wrote down twice: ${what}`, ops: [known, index] }
    first.set(what, index)
  }
  return undefined
}

function unasked({ seen }: ControlTrace): Impossible | undefined {
  const sentAt = new Map(
    seen.flatMap(({ at, value }) => (value.moment === 'ordered' ? [[value.command, at] as const] : [])),
  )
  const early = seen.find(({ at, value: { moment, command } }) => {
    return moment === 'acknowledged' && sentAt.size > 0 && !(at >= (sentAt.get(command) ?? Infinity) - resolutionMs)
  })
  return early && { text: `${early.value.command} was acknowledged before it was sent`, ops: [early.index] }
}

function backwardEffect({ effects }: ControlTrace): Impossible | undefined {
  const backwards = effects.find(({ at, value: { startedAt, endedAt } }) => {
    return endedAt < startedAt - resolutionMs || at < endedAt - resolutionMs
  })
  return (
    backwards && {
      text: `step ${backwards.value.step} ended before it started, or after it was known`,
      ops: [backwards.index],
    }
  )
}

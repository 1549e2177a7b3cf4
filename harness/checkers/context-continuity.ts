import { hash } from 'node:crypto'
import { applyPatch, type Operation } from 'rfc6902'
import { conclude } from '../analysis/conclusion.ts'
import { controlsOf, hasControl, type LoggedEvent, logOf, mayBeGone, momentsOf } from '../analysis/control.ts'
import { type ControlTrace, traceOf } from '../analysis/trace.ts'
import type { Checker } from '../model/checker.ts'
import { firstMemory } from '../model/control.ts'

/**
 * The patches in a task's log (RFC 6902) add up to its memory. Each continues the version before, applies as a whole, and
 * comes to the digest that it names; the last one to what the API shows. Put to the test by two patches and more.
 */
const checker: Checker = {
  name: 'context-continuity',
  summary: 'the patches of a memory add up to it, version by version',
  judges: 'context-continuity',
  isAbout: hasControl('steer'),
  check(history) {
    const trace = traceOf(history)
    const steered = controlsOf(trace, 'steer')
    const logged = steered.filter((one) => logOf(one) !== undefined)
    const silent = steered.filter((one) => !logged.includes(one) && !mayBeGone(one, trace))
    const accepted = silent.filter((one) => momentsOf(one, 'accepted').length > 0)
    const wrong = logged.filter((one) => !addsUp(one))
    const known = logged.filter((one) => wrong.includes(one) || logOf(one)!.op.value.context !== undefined)
    const broken = wrong.map((one) => [logOf(one)!.op.index])
    const unread = logged.length - known.length + accepted.length
    return conclude(trace, {
      judged: known.length,
      unit: 'memories',
      complaint: 'are not what their patches come to',
      broken,
      excused: unread,
      otherwise: { many: unread, why: 'are of tasks whose log or memory nobody could read' },
      counts: { patches: known.flatMap(patchesIn).length },
      exercise: {
        times: known.filter((one) => patchesIn(one).length > 1).length,
        lacking: 'no memory was patched twice',
      },
      kind: 'safety',
    })
  },
}
export default checker

function patchesIn(control: ControlTrace): readonly LoggedEvent[] {
  return logOf(control)!.events.filter(({ type }) => type === 'context.patch')
}

function addsUp(control: ControlTrace): boolean {
  const document = bare(firstMemory)
  let version = 1
  for (const { data } of patchesIn(control)) {
    if (data['base'] !== version || data['version'] !== version + 1 || !Array.isArray(data['patch'])) return false
    if (!applies(document, data['patch'])) return false
    version++
    if (data['digest'] !== digestOf(document)) return false
  }
  const shown = logOf(control)!.op.value.context
  return shown === undefined || (shown['version'] === version && shown['digest'] === digestOf(document))
}

/** What is no operation at all makes the library throw, and is the system's word as any other. */
function applies(document: unknown, patch: unknown): boolean {
  try {
    return applyPatch(document, bare(patch) as Operation[]).every((error) => error === null)
  } catch {
    return false
  }
}

/** A copy whose objects inherit nothing: a patch that names what every object has would reach into this process. */
function bare(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(bare)
  const copy = Object.create(null) as Record<string, unknown>
  for (const [name, field] of Object.entries(value)) copy[name] = bare(field)
  return copy
}

/** Not the server's own code: the judge must not depend on what it judges. SHA-256 of JSON with its keys in order (RFC 8785). */
function digestOf(document: unknown): string {
  return hash('sha256', textOf(document), 'hex')
}

function textOf(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(textOf).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([name, field]) => `${JSON.stringify(name)}:${textOf(field)}`).join(',')}}`
}

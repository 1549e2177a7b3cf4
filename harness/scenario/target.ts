import { z } from 'zod'
import { linkNames, type Target } from '../model/plan.ts'
import { suggest } from './did-you-mean.ts'
import type { TargetSpec } from './scenario.ts'
import { describe } from './quote.ts'

export const roles = ['executor', 'api', 'worker', 'engine', 'store'] as const
const help = `write a node (${roles.join(', ')}; executor-2 for one, executor-* for all at once, executor-of-step for who did the step of "on") or a link (${linkNames.join(', ')})`
const pattern = new RegExp(
  `^(?:executor-of-step|(?:${roles.join('|')})(?:-(?:\\d+|\\*))?|(?:${linkNames.join('|')})(?:-\\d+)?)$`,
)

/** `executor`, `executor-2`, `executor-*`, `executor-of-step`, `client->api`, `client->api-1`. */
export const target = z
  .string({ error: ({ input }) => `${describe(input)} is no target; ${help}` })
  .regex(pattern, { error: ({ input }) => `unknown target ${describe(input)}${nearestTarget(String(input))}; ${help}` })
  .transform(parseTarget)

function parseTarget(text: string): TargetSpec {
  if (text === 'executor-of-step') return { kind: 'node', role: 'executor', ordinal: 'of-step' }
  const [, name, ordinal] = /^(.*?)(?:-(\d+|\*))?$/.exec(text) as unknown as [string, string, string | undefined]
  const link = linkNames.find((known) => known === name)
  if (link) return { kind: 'link', link, ordinal: ordinal === undefined ? 'all' : Number(ordinal) }
  const role = roles.find((known) => known === name)!
  return { kind: 'node', role, ordinal: ordinal === undefined ? 'any' : ordinal === '*' ? 'all' : Number(ordinal) }
}

/** As a scenario writes it. */
export function formatTarget(spec: TargetSpec | Target): string {
  if (spec.kind === 'link') return spec.ordinal === 'all' ? spec.link : `${spec.link}-${spec.ordinal}`
  if (spec.ordinal === 'any') return spec.role
  return `${spec.role}-${spec.ordinal === 'all' ? '*' : spec.ordinal}`
}

function nearestTarget(text: string): string {
  return suggest(text.replace(/-(?:\d+|\*|of-step)$/, ''), [...roles, ...linkNames])
}

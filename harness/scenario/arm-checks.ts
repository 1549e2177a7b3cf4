import type { Catalog } from './catalog.ts'
import type { FaultSpec, TargetSpec } from './scenario.ts'
import { formatTarget } from './target.ts'

/**
 * Real milliseconds that a node is given to be ready again before it may be harmed anew: a process that is starting
 * cannot be killed cleanly. Measured on two busy cores: 1.1 to 2.6 s from the start of a killed node to its readiness.
 */
export const settleMs = 2500

/** What overlapping depends on beside the faults themselves. */
export interface OverlapContext {
  readonly patterns: readonly string[]
  readonly timeScale: number
}

/**
 * Why two faults of one arm cannot be told apart, or undefined when they can: they may act on the same node, or on the
 * same link without both saying `compose`, at the same time. When a step triggers one, nobody knows before the run.
 */
export function whyOverlapping(
  a: FaultSpec,
  b: FaultSpec,
  catalog: Pick<Catalog, 'resolvePattern'>,
  context: OverlapContext,
): string | undefined {
  if (a.trigger.kind === 'on' || b.trigger.kind === 'on') return undefined
  if (!meetInTime(a, b, context.timeScale) || !meetInPlace(a.target, b.target, catalog, context.patterns))
    return undefined
  if (a.target.kind === 'link' && a.compose && b.compose) return undefined
  const cure =
    a.target.kind === 'link'
      ? 'separate them, use two arms, or say compose: true in both'
      : 'separate them, or use two arms'
  return `${b.id} may act on ${formatTarget(b.target)} while ${a.id} does; ${cure}`
}

function meetInTime(a: FaultSpec, b: FaultSpec, timeScale: number): boolean {
  const [first, second] = [spanOf(a, timeScale), spanOf(b, timeScale)]
  return first.from < second.until && second.from < first.until
}

function spanOf({ trigger, forMs, target }: FaultSpec, timeScale: number): { from: number; until: number } {
  if (trigger.kind !== 'at' || forMs === 'load')
    return { from: trigger.kind === 'at' ? trigger.atMs : 0, until: Infinity }
  const settle = target.kind === 'node' ? settleMs * timeScale : 0
  return { from: trigger.atMs, until: trigger.atMs + forMs + settle }
}

function meetInPlace(
  a: TargetSpec,
  b: TargetSpec,
  catalog: Pick<Catalog, 'resolvePattern'>,
  patterns: readonly string[],
): boolean {
  const bothNumbered = typeof a.ordinal === 'number' && typeof b.ordinal === 'number'
  if (bothNumbered && a.ordinal !== b.ordinal) return false
  if (a.kind === 'link' || b.kind === 'link') return a.kind === 'link' && b.kind === 'link' && a.link === b.link
  if (a.role === b.role) return true
  const executors = patterns.map((name) => catalog.resolvePattern(name)?.engine.executor)
  const aliased = a.role === 'executor' ? b.role : b.role === 'executor' ? a.role : undefined
  return executors.some((role) => role === aliased)
}

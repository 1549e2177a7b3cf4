import type { ZodType } from 'zod'
import { acquireAll, healAll } from './acquire.ts'
import type { LinkName, Target } from './plan.ts'
import type { ActiveFault, Capability, Fault, FaultSite, Impairment, Link, ToxicSpec } from './types.ts'

/** A toxic without its name, which the planned fault gives. */
export type Toxic = Omit<ToxicSpec, 'name'>

/** What differs between faults that impair links: everything else is one and the same toxic protocol. */
export interface LinkFaultSpec<P> {
  readonly name: string
  readonly summary: string
  readonly needs: readonly Capability[]
  readonly links?: readonly LinkName[]
  readonly defaultTarget?: Target
  readonly params: ZodType<P>
  /** One toxic, or one per direction. Durations in whole milliseconds: Toxiproxy takes no fractions. */
  toxics(params: P): readonly Toxic[]
}

interface Armed extends Impairment {
  readonly label: string
}

/**
 * A fault that impairs links. Armed: every toxic was acknowledged and read back. Proven: at the end of the window
 * all are still listed and the proxy counted at least one firing. Without a count it is `unexercised`.
 */
export function linkFault<P>(spec: LinkFaultSpec<P>): Fault<P> {
  const { toxics: _, ...rest } = spec
  return { ...rest, acts: 'link', arm: (site, params, signal) => arm(site, spec.toxics(params), signal) }
}

/** Whole milliseconds for a proxy, at least 1: a rounded delay must not become no delay. */
export function wholeMs(ms: number): number {
  return Math.max(1, Math.round(ms))
}

async function arm(site: FaultSite, toxics: readonly Toxic[], signal: AbortSignal): Promise<ActiveFault> {
  if (site.links.length === 0) throw new Error('there is no link to impair')
  const wanted = site.links.flatMap((link) => toxics.map((toxic) => ({ link, toxic: named(site.id, toxic) })))
  const armed = await acquireAll(wanted, impair, mustBeListed, signal)
  return {
    evidence: { listed: armed.map(({ label }) => label) },
    prove: () => prove(armed),
    heal: () => healAll(armed),
  }
}

/** Names are part of a URL of the proxy: letters, digits and hyphens only. */
function named(id: string, toxic: Toxic): ToxicSpec {
  return { name: `${id}-${toxic.stream}`.replaceAll(/[^a-zA-Z0-9-]/g, '-'), ...toxic }
}

async function impair({ link, toxic }: { link: Link; toxic: ToxicSpec }): Promise<Armed> {
  const impairment = await link.impair(toxic)
  return {
    label: `${link.name} ${toxic.name}`,
    firings: () => impairment.firings(),
    listed: () => impairment.listed(),
    heal: () => impairment.heal(),
  }
}

async function mustBeListed(one: Armed): Promise<void> {
  if (!(await one.listed())) throw new Error(`the proxy acknowledged ${one.label} but does not list it`)
}

async function prove(armed: readonly Armed[]): ReturnType<ActiveFault['prove']> {
  const listed = await Promise.all(armed.map((one) => one.listed()))
  const counts = await Promise.all(armed.map((one) => one.firings()))
  const perToxic = Object.fromEntries(armed.map(({ label }, i) => [label, counts[i] ?? 'not counted']))
  const missing = armed.filter((_, i) => !listed[i]).map(({ label }) => label)
  const known = counts.filter((count) => count !== undefined)
  const firings = known.reduce((sum, count) => sum + count, 0)
  const evidence = { firings: perToxic, ...(missing.length > 0 && { missing }) }
  const counted = known.length > 0 && { firings }
  if (missing.length > 0) return { state: 'lost', ...counted, evidence }
  return { state: firings > 0 ? 'proven' : 'unexercised', ...counted, evidence }
}

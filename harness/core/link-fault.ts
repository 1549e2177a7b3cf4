import type { ZodType } from 'zod'
import { acquireAll, healAll, sinceOf } from './acquire.ts'
import type { LinkName, Target } from './plan.ts'
import type { EdgeLimits, FilterSpec, Impairment, Lease, Link, ToxicSpec } from './link.ts'
import type { ActiveFault, Capability, Fault, FaultSite } from './types.ts'

/** A toxic without its name, which the planned fault gives. */
export type Toxic = Omit<ToxicSpec, 'name'>

/** A rule of the packet filter without what the planned fault gives: its name, its seed and its end. */
export type Rule = Omit<FilterSpec, 'name' | keyof Lease>

/** What differs between faults that impair links: everything else is one and the same protocol. */
export interface LinkFaultSpec<P> {
  readonly name: string
  readonly summary: string
  readonly needs: readonly Capability[]
  readonly links?: readonly LinkName[]
  readonly defaultTarget?: Target
  readonly floor?: NonNullable<Fault['floor']>
  readonly params: ZodType<P>
  /** One toxic, or one per direction. Durations in whole milliseconds: Toxiproxy takes no fractions. */
  toxics?(params: P): readonly Toxic[]
  rule?(params: P): Rule
  limits?(params: P): Omit<EdgeLimits, 'name'>
}

/** The kernel's own end of a rule comes this long after the planned one: only for a harness that is gone. */
export const expiryMarginMs = 20_000

interface Wanted {
  readonly label: string
  inflict(): Promise<Impairment>
}

interface Armed extends Impairment {
  readonly label: string
}

/**
 * A fault that impairs links. Armed: everything was acknowledged, read back and, where possible, tried out. Proven: at the
 * end of the window all is still there and took effect at least once. Without a count it is `unexercised`.
 */
export function linkFault<P>(spec: LinkFaultSpec<P>): Fault<P> {
  const { toxics: _, rule: __, limits: ___, ...rest } = spec
  return { ...rest, acts: 'link', arm: (site, params, signal) => arm(site, wantedOf(spec, site, params), signal) }
}

/** Whole milliseconds for a proxy, at least 1: a rounded delay must not become no delay. */
export function wholeMs(ms: number): number {
  return Math.max(1, Math.round(ms))
}

function wantedOf<P>(spec: LinkFaultSpec<P>, site: FaultSite, params: P): readonly Wanted[] {
  return site.links.flatMap((link) => [
    ...(spec.toxics?.(params) ?? []).map((toxic) => wantToxic(site, link, toxic)),
    ...(spec.rule ? [wantRule(site, link, spec.rule(params))] : []),
    ...(spec.limits ? [wantLimits(site, link, spec.limits(params))] : []),
  ])
}

function wantToxic(site: FaultSite, link: Link, toxic: Toxic): Wanted {
  const name = nameOf(site, toxic.stream)
  return { label: `${link.name} ${name}`, inflict: () => link.impair({ name, ...toxic }, leaseOf(site)) }
}

function wantRule(site: FaultSite, link: Link, rule: Rule): Wanted {
  const given = { name: nameOf(site), ...leaseOf(site), ...rule }
  return { label: `${link.name} ${given.name}`, inflict: () => offered(link.filter, link).call(link, given) }
}

function leaseOf({ seed, windowMs }: FaultSite): Lease {
  return { seed, expiresMs: windowMs + expiryMarginMs }
}

function wantLimits(site: FaultSite, link: Link, limits: Omit<EdgeLimits, 'name'>): Wanted {
  const name = nameOf(site)
  return { label: `${link.name} ${name}`, inflict: () => offered(link.limit, link).call(link, { name, ...limits }) }
}

function offered<F>(act: F | undefined, link: Link): F {
  if (act === undefined) throw new Error(`${link.name} does not pass where this could be done to it`)
  return act
}

/** Names are part of a URL of the proxy and of the kernel's tables: letters, digits and hyphens only. */
export function nameOf(site: FaultSite, ...parts: readonly string[]): string {
  return [site.id, ...parts].join('-').replaceAll(/[^a-zA-Z0-9-]/g, '-')
}

async function arm(site: FaultSite, wanted: readonly Wanted[], signal: AbortSignal): Promise<ActiveFault> {
  if (site.links.length === 0) throw new Error('there is no link to impair')
  const armed = await acquireAll(wanted, inflict, mustBeListed, signal)
  const tried = armed.flatMap(({ label, evidence }) => (evidence ? [[label, evidence]] : []))
  return {
    evidence: {
      listed: armed.map(({ label }) => label),
      ...(tried.length > 0 && { readBack: Object.fromEntries(tried) as unknown }),
    },
    ...sinceOf(armed),
    prove: () => proveImpairments(armed),
    heal: () => healAll(armed),
  }
}

async function inflict({ label, inflict: begin }: Wanted): Promise<Armed> {
  return { label, ...(await begin()) }
}

/** An acknowledgement is only a word: throws when what it was about is not there. */
export async function mustBeListed(one: Armed): Promise<void> {
  if (!(await one.listed())) throw new Error(`${one.label} was acknowledged but is not there`)
}

/** The state of impairments at the end of their window: all still there, and felt at least once. */
export async function proveImpairments(armed: readonly Armed[]): ReturnType<ActiveFault['prove']> {
  // Counted first: whoever looks whether it is still there may be counted too.
  const counts = await Promise.all(armed.map((one) => one.firings()))
  const more = await Promise.all(armed.map(async (one) => one.counts?.()))
  const listed = await Promise.all(armed.map((one) => one.listed()))
  const perHarm = Object.fromEntries(armed.map(({ label }, i) => [label, counts[i] ?? 'not counted']))
  const counted = armed.flatMap(({ label }, i) => (more[i] ? [[label, more[i]]] : []))
  const missing = armed.filter((_, i) => !listed[i]).map(({ label }) => label)
  const known = counts.filter((count) => count !== undefined)
  const firings = known.reduce((sum, count) => sum + count, 0)
  const evidence = {
    firings: perHarm,
    ...(counted.length > 0 && { counted: Object.fromEntries(counted) as unknown }),
    ...(missing.length > 0 && { missing }),
  }
  const total = known.length > 0 && { firings }
  if (missing.length > 0) return { state: 'lost', ...total, evidence }
  return { state: firings > 0 ? 'proven' : 'unexercised', ...total, evidence }
}

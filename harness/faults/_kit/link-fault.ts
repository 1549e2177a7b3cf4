import type { ZodType } from 'zod'
import { acquireEach, sinceOf, type Undone } from './acquire.ts'
import type { LinkName, Target } from '../../model/plan.ts'
import type { EdgeLimits, FilterSpec, Impairment, Expiry, Link, ToxicSpec } from '../../model/link.ts'
import { type PartState, type Part, proofOfParts, undoneParts } from './proof.ts'
import type { ActiveFault, Fault, FaultSite, Proof } from '../../model/fault.ts'
import type { Capability } from '../../model/runtime.ts'

/** A toxic without its name, which the planned fault gives. */
export type Toxic = Omit<ToxicSpec, 'name'>

/** A rule of the packet filter without what the planned fault gives: its name, its seed and its end. */
export type Rule = Omit<FilterSpec, 'name' | keyof Expiry>

/** What differs between faults that impair links: everything else is one and the same protocol. */
export interface LinkFaultSpec<P> {
  readonly name: string
  readonly summary: string
  readonly needs: readonly Capability[]
  readonly links?: readonly LinkName[]
  readonly defaultTarget?: Target
  readonly floor?: NonNullable<Fault['floor']>
  readonly params: ZodType<P>
  readonly impact: Fault<P>['impact']
  /** One toxic, or one per direction. Durations in whole milliseconds: Toxiproxy takes no fractions. */
  toxics?(params: P): readonly Toxic[]
  rule?(params: P): Rule
  limits?(params: P): Omit<EdgeLimits, 'name'>
}

/** The kernel's own end of a rule comes this long after the planned one: only for a harness that is gone. */
export const expiryMarginMs = 20_000

interface LinkInjector {
  /** Of the link. */
  readonly name: string
  readonly label: string
  inject(): Promise<Impairment>
}

/** An impairment of a link, or of what joins a node to others. */
export interface LinkInjection extends Impairment {
  /** Of the link or node. */
  readonly name: string
  readonly label: string
  /** What else was done there, which was felt whatever is known of this: a sentence. */
  readonly beside?: string
}

/**
 * A fault that impairs links. Armed: what could be had was acknowledged, read back and, where possible, tried out.
 * Proven: at the end of the window all is still there, and each link with a peer at work felt it (`proofOfParts`).
 */
export function linkFault<P>(spec: LinkFaultSpec<P>): Fault<P> {
  const { toxics: _, rule: __, limits: ___, ...rest } = spec
  const proof = proofs[spec.limits ? 'limits' : spec.rule ? 'rule' : 'toxics']
  return {
    ...rest,
    proof,
    acts: 'link',
    arm: (site, params, signal) => arm(site, injectorsOf(spec, site, params), signal),
  }
}

const met = 'and a client or a node at work met it on each link that it says it reached'

const proofs = {
  toxics: `the proxy lists it after arming and at the end of its window, ${met}`,
  rule: `the kernel lists its rule after arming and at the end of its window, ${met}`,
  limits: `the load balancer has its limits in force after arming and at the end of its window, ${met}`,
} as const

/** Whole milliseconds for a proxy, at least 1: a rounded delay must not become no delay. */
export function wholeMs(ms: number): number {
  return Math.max(1, Math.round(ms))
}

function injectorsOf<P>(spec: LinkFaultSpec<P>, site: FaultSite, params: P): readonly LinkInjector[] {
  return site.links.flatMap((link) => [
    ...(spec.toxics?.(params) ?? []).map((toxic) => toxicInjector(site, link, toxic)),
    ...(spec.rule ? [ruleInjector(site, link, spec.rule(params))] : []),
    ...(spec.limits ? [limitsInjector(site, link, spec.limits(params))] : []),
  ])
}

function toxicInjector(site: FaultSite, link: Link, toxic: Toxic): LinkInjector {
  const name = nameOf(site, toxic.stream)
  return {
    name: link.name,
    label: `${link.name} ${name}`,
    inject: () => link.impair({ name, ...toxic }, expiryOf(site)),
  }
}

function ruleInjector(site: FaultSite, link: Link, rule: Rule): LinkInjector {
  const given = { name: nameOf(site), ...expiryOf(site), ...rule }
  return {
    name: link.name,
    label: `${link.name} ${given.name}`,
    inject: () => requireCapability(link.filter, link).call(link, given),
  }
}

function expiryOf({ seed, windowMs }: FaultSite): Expiry {
  return { seed, expiresMs: windowMs + expiryMarginMs }
}

function limitsInjector(site: FaultSite, link: Link, limits: Omit<EdgeLimits, 'name'>): LinkInjector {
  const name = nameOf(site)
  return {
    name: link.name,
    label: `${link.name} ${name}`,
    inject: () => requireCapability(link.limit, link).call(link, { name, ...limits }),
  }
}

function requireCapability<F>(act: F | undefined, link: Link): F {
  if (act === undefined) throw new Error(`${link.name} does not pass where this could be done to it`)
  return act
}

/** Names are part of a URL of the proxy and of the kernel's tables: letters, digits and hyphens only. */
export function nameOf(site: FaultSite, ...parts: readonly string[]): string {
  return [site.id, ...parts].join('-').replaceAll(/[^a-zA-Z0-9-]/g, '-')
}

async function arm(site: FaultSite, wanted: readonly LinkInjector[], signal: AbortSignal): Promise<ActiveFault> {
  if (site.links.length === 0) throw new Error('there is no link to impair')
  const { held, undone, heal } = await acquireEach(wanted, inject, verifyInstalled, signal)
  const tried = held.flatMap(({ label, evidence }) => (evidence ? [[label, evidence]] : []))
  return {
    evidence: {
      listed: held.map(({ label }) => label),
      ...(undone.length > 0 && { undone }),
      ...(tried.length > 0 && { readBack: Object.fromEntries(tried) as unknown }),
    },
    ...sinceOf(held),
    prove: () => proveImpairments(held, undone),
    heal,
  }
}

async function inject({ name, label, inject: begin }: LinkInjector): Promise<LinkInjection> {
  return { name, label, ...(await begin()) }
}

/** An acknowledgement is only a word: throws when what it was about is not there. */
export async function verifyInstalled(one: LinkInjection): Promise<void> {
  if (!(await one.listed())) throw new Error(`${one.label} was acknowledged but is not there`)
}

/** What is known of an impairment at the end of its window. */
interface Seen extends LinkInjection {
  readonly fired: number | undefined
  readonly more: Readonly<Record<string, unknown>> | undefined
  readonly isThere: boolean
}

/** The state of impairments at the end of their window: where each is still there, and on which links it was felt. */
export async function proveImpairments(
  armed: readonly LinkInjection[],
  undone: readonly Undone[] = [],
): Promise<Proof> {
  // Counted first: a check that it is still there may be counted too.
  const told = await Promise.all(armed.map(count))
  const seen = await Promise.all(told.map(async (one): Promise<Seen> => ({ ...one, isThere: await one.listed() })))
  const links = [...Map.groupBy(seen, ({ name }) => name)]
  const parts = links.map(([name, ofLink]) => partOf(name, ofLink))
  const counted = seen.flatMap(({ label, more }) => (more ? [[label, more]] : []))
  const missing = seen.filter(({ isThere }) => !isThere).map(({ label }) => label)
  const known = seen.flatMap(({ fired }) => fired ?? [])
  const evidence = {
    firings: Object.fromEntries(seen.map(({ label, fired }) => [label, fired ?? 'not counted'])),
    felt: Object.fromEntries(parts.map(({ name, state }) => [name, state])),
    ...(counted.length > 0 && { counted: Object.fromEntries(counted) as unknown }),
    ...(missing.length > 0 && { missing }),
  }
  const firings = known.length > 0 && { firings: known.reduce((sum, count) => sum + count, 0) }
  return { ...proofOfParts([...parts, ...undoneParts(undone)]), ...firings, evidence }
}

async function count(one: LinkInjection): Promise<Omit<Seen, 'isThere'>> {
  const [fired, more] = await Promise.all([one.firings(), one.counts?.()])
  return { ...one, fired, more }
}

/** All that was done to one link, together: a drop both ways may be two toxics, of which one was felt. */
function partOf(name: string, ofLink: readonly Seen[]): Part {
  const missing = ofLink.filter(({ isThere }) => !isThere)
  const state = missing.length > 0 ? 'lost' : stateOf(ofLink)
  if (state === 'felt') return { name, state }
  const why = missing.map(({ label }) => `${label} was gone before its end`).join('; ')
  const beside = ofLink.flatMap((one) => one.beside ?? [])
  if (beside.length > 0) return { name, state: 'half', why: [...beside, ...(why ? [why] : [])].join('; ') }
  return { name, state, ...(why && { why }) }
}

function stateOf(ofLink: readonly Seen[]): PartState {
  return ofLink.some(({ fired = 0 }) => fired > 0) ? 'felt' : 'quiet'
}

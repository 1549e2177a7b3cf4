import type { FilterSpec } from '../../../model/link.ts'

/** A link as the packet filter knows it: its number is the mark that all its connections carry. */
export interface MarkedLink {
  readonly mark: number
  /** Where the dialling side connects, in the router's namespace. */
  readonly port: number
  /** An address of nobody, which the router dials and the kernel turns into that of the node behind the link. */
  readonly virtual: string
  readonly target: string
  /** An address of the router's own, at which the link is also reached at the port of what it leads to. */
  readonly alias?: { readonly address: string; readonly port: number }
}

/** Source ports of our own trial connections: counted apart, so that they never pass for the system's. */
export const canaryPorts = { first: 64_000, last: 64_999 }
const ofCanary = `ct original proto-src ${canaryPorts.first}-${canaryPorts.last}`
const ofLink = 'ct mark and 0xff'
/** Longer than an acknowledgement with all its options. */
const withPayload = 'meta length > 80'
/** Packets that show a peer at work, SYN or bytes: a keepalive or an end shows nothing. */
const ofWork = ['tcp flags & syn != 0', withPayload]

/**
 * The table of a cell. A connection crosses twice: from the dialling node to the proxy, and from the proxy to the
 * dialled node. It carries the mark of its link on both ways, so a rule about the link takes both, and neither end
 * learns more than the other.
 */
export function baseRuleset(table: string, links: readonly MarkedLink[]): string {
  const map = (entries: readonly string[]): string =>
    entries.length > 0 ? `elements = { ${entries.join(', ')} };` : ''
  return `
table inet ${table} {
  map port_link { type inet_service : mark; ${map(links.map(({ port, mark }) => `${port} : ${mark}`))} }
  map virtual_link { type ipv4_addr : mark; ${map(links.map(({ virtual, mark }) => `${virtual} : ${mark}`))} }
  map virtual_target { type ipv4_addr : ipv4_addr; ${map(links.map(({ virtual, target }) => `${virtual} : ${target}`))} }
  set down { type ipv4_addr; }
${links.map(({ mark }) => `  counter up_${mark} { }\n  counter down_${mark} { }\n  counter reset_${mark} { }`).join('\n')}
${nameChain(links)}
  chain tag_in {
    type filter hook input priority mangle;
    ct state new ct mark set tcp dport map @port_link
  }
  chain tag_out {
    type filter hook output priority mangle;
    ct state new ct mark set ip daddr map @virtual_link
  }
  chain translate {
    type nat hook output priority -100;
    dnat ip to ip daddr map @virtual_target
  }
  chain refuse_down {
    type filter hook output priority 5;
    meta l4proto tcp ct state new ct original ip daddr @down reject with tcp reset
  }
  chain count_in {
    type filter hook input priority 20;
    meta l4proto tcp ${ofCanary} accept
${links.map(({ port, mark }) => `    tcp dport ${port} ${withPayload} counter name up_${mark}`).join('\n')}
  }
  chain count_out {
    type filter hook output priority 20;
    meta l4proto tcp ${ofCanary} accept
${links.map(({ port, mark }) => `    tcp sport ${port} ${withPayload} counter name down_${mark}\n    tcp sport ${port} tcp flags & rst != 0 counter name reset_${mark}`).join('\n')}
  }
}`
}

/** Who dials an alias comes to the link's port, before anything else of the table sees the packet. */
function nameChain(links: readonly MarkedLink[]): string {
  const lines = links.flatMap(({ alias, port }) =>
    alias ? `    ip daddr ${alias.address} tcp dport ${alias.port} redirect to :${port}` : [],
  )
  return lines.length === 0
    ? ''
    : `  chain named {\n    type nat hook prerouting priority -100;\n${lines.join('\n')}\n  }`
}

/** What a rule's set of live elements holds, and how a packet is looked up in it. */
interface Guard {
  readonly type: 'mark' | 'ipv4_addr'
  readonly elements: readonly (string | number)[]
  /** Each is tried in turn. */
  readonly lookups: readonly string[]
}

interface Harm {
  readonly table: string
  readonly id: string
  readonly guards: readonly Guard[]
  readonly expiresMs: number
  /** Statements for a packet that passed a guard. */
  readonly body: readonly string[]
  /** Condition of packets that would inform a peer of an end. */
  readonly told: string
  readonly counters: readonly string[]
}

const tells = 'tcp flags & (fin|rst) != 0'

/** One harm as one transaction, bound to a set whose elements expire: the harm ends when nobody is left to heal it. */
function imposeHarm({ table: t, id, guards, expiresMs, body, told, counters }: Harm): string {
  const jumps = guards.flatMap(({ lookups }, g) => lookups.map((lookup) => `${lookup} @live${g}_${id} jump do_${id}`))
  return [
    ...[...counters, 'told'].map((name) => `add counter inet ${t} ${name}_${id}`),
    ...guards.map(({ type, elements }, g) => {
      const timed = elements.map((element) => `${element} timeout ${Math.ceil(expiresMs)}ms`)
      return `add set inet ${t} live${g}_${id} { type ${type}; flags timeout; elements = { ${timed.join(', ')} }; }`
    }),
    `add chain inet ${t} do_${id}`,
    ...body.map((statement) => `add rule inet ${t} do_${id} meta l4proto tcp ${statement}`),
    ...(['input', 'output'] as const).flatMap((hook) => [
      `add chain inet ${t} ${hook}_${id} { type filter hook ${hook} priority 0; }`,
      ...jumps.map((jump) => `add rule inet ${t} ${hook}_${id} ${jump}`),
      // Behind the harm: what it let through.
      `add chain inet ${t} ${hook}told_${id} { type filter hook ${hook} priority 10; }`,
      `add rule inet ${t} ${hook}told_${id} meta l4proto tcp ${told} ${tells} counter name told_${id}`,
    ]),
  ].join('\n')
}

/** Undo what was imposed under this id, and only that. */
export function liftHarm(
  table: string,
  id: string,
  names: { counters: readonly string[]; sets: readonly string[] },
): string {
  const base = ['input', 'output'].flatMap((hook) => [`${hook}_${id}`, `${hook}told_${id}`])
  return [
    ...base.flatMap((chain) => [`flush chain inet ${table} ${chain}`, `delete chain inet ${table} ${chain}`]),
    `flush chain inet ${table} do_${id}`,
    `delete chain inet ${table} do_${id}`,
    ...names.sets.map((set) => `delete set inet ${table} ${set}`),
    ...names.counters.map((counter) => `delete counter inet ${table} ${counter}`),
  ].join('\n')
}

/** Names are kept short: the kernel takes 255 bytes, people fewer. */
export function harmId(...parts: readonly (string | number)[]): string {
  return parts.join('_').replaceAll(/[^A-Za-z0-9]+/g, '_')
}

export interface Imposed {
  readonly id: string
  readonly script: string
  readonly undo: string
}

/** A rule on one link. `generation` tells this rule's idle connections from those of an earlier one on the same link. */
export function imposeFilter(table: string, link: MarkedLink, spec: FilterSpec, generation: number): Imposed {
  const id = harmId(spec.name, link.mark)
  const counters = ['hits', 'canary', ...(spec.idleMs === undefined ? [] : ['seen'])]
  const flows = `flows_${id}`
  const script = [
    ...(spec.idleMs === undefined
      ? []
      : [`add set inet ${table} ${flows} { typeof ct id; flags dynamic,timeout; size 65535; }`]),
    imposeHarm({
      table,
      id,
      guards: [{ type: 'mark', elements: [link.mark], lookups: [ofLink] }],
      expiresMs: spec.expiresMs,
      body: [...rememberFlows(spec, id, flows, generation), ...strike(spec, link, id)],
      told: `${ofLink} ${link.mark}`,
      counters,
    }),
  ].join('\n')
  const sets = [`live0_${id}`, ...(spec.idleMs === undefined ? [] : [flows])]
  const undo = liftHarm(table, id, { counters: [...counters, 'told'].map((name) => `${name}_${id}`), sets })
  return { id, script, undo }
}

/** A node cut off from all others, or on some links; on those of `whole` in both directions of dialling. */
export function imposeIsolation(
  table: string,
  cut: {
    name: string
    node: string
    address: string
    dialled: readonly number[] | 'all'
    whole: readonly number[]
    expiresMs: number
  },
): Imposed {
  const id = harmId(cut.name, cut.node)
  const only = cut.dialled === 'all' ? '' : `${ofLink} { ${cut.dialled.join(', ')} } `
  const byAddress: Guard = {
    type: 'ipv4_addr',
    elements: [cut.address],
    lookups: [`${only}ip saddr`, `${only}ip daddr`],
  }
  const byLink: Guard = { type: 'mark', elements: cut.whole, lookups: [ofLink] }
  const guards = [
    ...(cut.dialled === 'all' || cut.dialled.length > 0 ? [byAddress] : []),
    ...(cut.whole.length > 0 ? [byLink] : []),
  ]
  const counters = ['hits', 'ends']
  const body = [
    `${ofCanary} drop`,
    `${tells} counter name ends_${id} drop`,
    ...ofWork.map((packet) => `${packet} counter name hits_${id} drop`),
    'drop',
  ]
  const script = imposeHarm({
    table,
    id,
    guards,
    expiresMs: cut.expiresMs,
    body,
    told: `ip saddr ${cut.address}`,
    counters,
  })
  const sets = guards.map((_, g) => `live${g}_${id}`)
  return {
    id,
    script,
    undo: liftHarm(table, id, { counters: [...counters, 'told'].map((name) => `${name}_${id}`), sets }),
  }
}

/**
 * A NAT's table of connections, in the kernel. Every packet keeps its connection's entry alive for as long again. Only
 * packets without an entry get further down. A connection's first packet since the rule began makes its entry.
 */
function rememberFlows(spec: FilterSpec, id: string, flows: string, generation: number): readonly string[] {
  if (spec.idleMs === undefined) return []
  const remember = `update @${flows} { ct id timeout ${Math.ceil(spec.idleMs)}ms }`
  const mine = `0x${(generation << 16).toString(16)}`
  const first = `ct mark and 0xffff0000 != ${mine}`
  const claim = `ct mark set ct mark and 0xffff or ${mine} ${remember}`
  return [
    `${first} ${ofCanary} ${claim} return`,
    `${first} counter name seen_${id} ${claim} return`,
    `ct id @${flows} ${remember} return`,
  ]
}

const verdicts: Readonly<Record<FilterSpec['action'], string>> = {
  drop: 'drop',
  reset: 'reject with tcp reset',
  unreachable: 'reject with icmpx type admin-prohibited',
}

function strike(spec: FilterSpec, link: MarkedLink, id: string): readonly string[] {
  const verdict = verdicts[spec.action]
  const conditions = [
    spec.direction === 'request' && 'ct direction original',
    spec.direction === 'response' && 'ct direction reply',
    spec.connections === 'new' && 'ct state new',
    // Our own answer comes by here too.
    spec.action === 'reset' && 'tcp flags & rst == 0',
  ].filter((condition) => typeof condition === 'string')
  const share = shareOf(spec, link)
  return [
    [...conditions, ofCanary, `counter name canary_${id}`, verdict].join(' '),
    ...ofWork.map((packet) => [...conditions, ...share, packet, `counter name hits_${id}`, verdict].join(' ')),
    [...conditions, ...share, verdict].join(' '),
  ]
}

/** Drawn from the seed and the dialling side's address, so that a packet sent again meets the same fate. */
function shareOf({ probability, seed }: FilterSpec, link: MarkedLink): readonly string[] {
  if (probability >= 1) return []
  const parts = 100_000
  const hash = `jhash ct original ip saddr . ct original proto-src mod ${parts} seed 0x${(seed >>> 0).toString(16)}`
  // Not `ct original proto-dst`: who dials an alias dialled another port.
  return [`ct reply proto-src ${link.port}`, `${hash} < ${Math.round(probability * parts)}`]
}

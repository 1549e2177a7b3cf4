import { describeError, HarnessError } from '../../../core/errors.ts'
import type { Shell } from '../containers/shell.ts'

/** The packet filter in a router's namespace. */
export interface Packets {
  readonly table: string
  /** Why nothing can be filtered here; undefined where it can. */
  readonly lacking?: string
  /** One transaction: all of it or nothing. Rejects with what `nft` says. */
  run(script: string): Promise<void>
  read(): Promise<Sight>
}

/** What the kernel says about the table. */
export interface Sight {
  /** Packets by counter. */
  readonly counters: ReadonlyMap<string, number>
  /** Names of sets that hold something: a harm whose set is empty has ended by itself. */
  readonly filled: ReadonlySet<string>
}

/** Make the table. Where the kernel refuses, links still carry traffic, and each rule is refused with the reason. */
export async function openPackets(shell: Shell, table: string, base: string): Promise<Packets> {
  const packets = packetsIn(shell, table)
  try {
    await packets.run(base)
    return packets
  } catch (error) {
    const refuse = (): Promise<never> => Promise.reject(error)
    const nothing: Sight = { counters: new Map(), filled: new Set() }
    return { table, lacking: describeError(error), run: refuse, read: async () => nothing }
  }
}

/** Talk to the table through a shell in its namespace that has nft and may administer the network. */
function packetsIn(shell: Shell, table: string): Packets {
  return {
    table,
    run: async (script) => void (script !== '' && (await nft(shell, '-f -', script))),
    read: async () => parseTable(await nft(shell, `-j list table inet ${table}`, '')),
  }
}

async function nft(shell: Shell, args: string, input: string): Promise<string> {
  try {
    return await shell.run(`nft ${args}`, input)
  } catch (cause) {
    // It repeats the whole script behind its first line.
    const said = (cause as Error).message.split('\n')[0]!
    const denied = /Operation not permitted/.test(said)
    throw new HarnessError(denied ? `the packet filter may not be changed, NET_ADMIN is missing: ${said}` : said, {
      cause,
    })
  }
}

interface Listing {
  readonly nftables: readonly {
    readonly counter?: { readonly name: string; readonly packets: number }
    readonly set?: { readonly name: string; readonly elem?: readonly unknown[] }
  }[]
}

/** Read `nft -j list table`. */
export function parseTable(json: string): Sight {
  const { nftables } = JSON.parse(json) as Listing
  const counters = nftables.flatMap(({ counter }) => (counter ? [[counter.name, counter.packets] as const] : []))
  const filled = nftables.flatMap(({ set }) => (set?.elem && set.elem.length > 0 ? [set.name] : []))
  return { counters: new Map(counters), filled: new Set(filled) }
}

import { onlyOnce } from '../../../core/async.ts'
import { drawUniform } from '../../../core/rng.ts'
import type { Impairment } from '../../../model/link.ts'
import type { Shell } from '../containers/shell.ts'

/**
 * Have the kernel give up connections that are being opened to these addresses and are not answered. Toxiproxy opens
 * one connection of a link after the other and waits for each as long as the kernel does, two minutes. One that a dead
 * node never answers would keep out all later ones, when the node is long back.
 */
export async function endDials(shell: Shell, addresses: readonly string[]): Promise<void> {
  if (addresses.length === 0) return
  const any = addresses.map((address) => `dst = ${address}`).join(' or ')
  await shell.run(`ss -K state syn-sent '( ${any} )'`)
}

/** What is healed lets nobody wait for an answer to what was sent before. */
export function endingDials(impairment: Impairment, shell: Shell, addresses: readonly string[]): Impairment {
  const heal = onlyOnce(async () => {
    await impairment.heal()
    await endDials(shell, addresses)
  })
  return { ...impairment, heal }
}

/** Reset a share, by the seed, of established connections to `port`; their number. Needs CONFIG_INET_DIAG_DESTROY. */
export async function resetEstablished(shell: Shell, port: number, share: number, seed: number): Promise<number> {
  const listing = await shell.run(`ss -Htn state established '( sport = :${port} )'`)
  const peers = listing.split('\n').flatMap((line) => /:(\d+)\s*$/.exec(line.trim())?.[1] ?? [])
  const drawn = peers.filter((peer) => drawUniform(seed, 'reset', port, peer) < share)
  if (drawn.length === 0) return 0
  const any = drawn.map((peer) => `dport = :${peer}`).join(' or ')
  await shell.run(`ss -K state established '( sport = :${port} ) and ( ${any} )'`)
  return drawn.length
}

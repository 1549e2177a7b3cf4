import { HarnessError } from '../../core/errors.ts'
import type { Link } from '../../model/link.ts'
import type { Planned, PlannedLink } from '../../model/topology.ts'

/** A planned node whose address is known. */
export interface Placed extends Planned {
  readonly host: string
  /** What the other nodes dial. */
  readonly port: number
  /** Administration, where the program has any. */
  readonly controlPort: number
  /** For talk between the program's own parts. */
  readonly innerPorts?: readonly number[]
}

/** A link without a fault point. */
export function straightLink({ name, kind, ordinal }: Omit<PlannedLink, 'to'>, upstream: string): Link {
  const impair = async (): Promise<never> => {
    throw new HarnessError(`${name} leads straight to ${upstream}: nothing stands where it could be impaired`)
  }
  return { name, kind, ordinal, url: `http://${upstream}`, impair }
}

/** Where a node connects for each role that it dials, as environment variables (`patterns/contract/settings.ts`). */
export function addressBook(
  node: Placed,
  nodes: readonly Placed[],
  urlOf: (link: string) => string | undefined,
  login: (address: string) => string,
): Record<string, string> {
  const engine = nodes.find(({ role }) => role === 'engine')
  const inward = nodes
    .filter(({ service }) => service.dials.includes(node.role))
    .map(({ role }) => urlOf(`${role}->${node.role}-${node.ordinal}`))
  const store = urlOf(`${node.role}->store-0`)
  const book: Record<string, string | undefined> = {
    OUTLAST_STORE_URL: store && login(new URL(store).host),
    OUTLAST_ENGINE_URL: urlOf(`${node.role}->engine-0`),
    OUTLAST_ENGINE_CONTROL_URL: engine && `http://${engine.host}:${engine.controlPort}`,
    OUTLAST_ADVERTISED_URL: inward[0],
    OUTLAST_TOOLS_URL: node.service.dials.includes('tools') ? urlOf('worker->tools-0') : undefined,
  }
  return Object.fromEntries(Object.entries(book).filter((entry): entry is [string, string] => entry[1] !== undefined))
}

import type { NodeSettings } from '../types/settings.ts'

type Address = 'storeUrl' | 'engineUrl' | 'engineControlUrl' | 'advertisedUrl' | 'toolsUrl'

/** The settings, once they have the addresses that an engine needs. Throws with the names of the missing variables. */
export function withAddresses<A extends Address>(
  settings: NodeSettings,
  ...needed: readonly A[]
): NodeSettings & Readonly<Record<A, string>> {
  const missing = needed.filter((name) => !settings[name])
  if (missing.length === 0) return settings as NodeSettings & Record<A, string>
  throw new Error(`a node of the ${settings.engine} engine needs ${missing.map(variableOf).join(' and ')}`)
}

/** `storeUrl` is OUTLAST_STORE_URL. */
function variableOf(address: Address): string {
  return `OUTLAST_${address.replace(/[A-Z]/g, '_$&').toUpperCase()}`
}

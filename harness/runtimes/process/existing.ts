import type { Outside } from '../../model/topology.ts'
import type { DeployRequest } from '../../model/runtime.ts'
import { serversOf } from '../_shared/servers.ts'

/**
 * What of a deployment is left to start where the user names a server that is there already. Left out are that server and
 * the store that only it would use; `engineSpace` ends the engine's address.
 */
export function useExisting<R extends DeployRequest>(
  request: R,
): R & { readonly outside: Outside; readonly engineSpace: string } {
  for (const { name, service } of serversOf(request.services)) {
    const existing = service.existing?.()
    if (existing)
      return {
        ...request,
        services: request.services.filter(({ program, schema }) => program !== name && schema !== name),
        outside: { ...request.outside, engine: existing.address },
        engineSpace: existing.space,
      }
  }
  return { ...request, engineSpace: '' }
}

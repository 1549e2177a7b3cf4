import { createApi } from '../../contract/server/api.ts'
import type { DeliveryServer } from '../../contract/server/delivery-server.ts'
import { admitCallback, destinationsOf } from '../../contract/server/destination.ts'
import type { TaskRequest } from '../../contract/types/task.ts'
import { timingAt } from '../../contract/types/timing.ts'
import { openConsents } from './endpoint.ts'
import { endpointKey, showSecret } from './keys.ts'
import { openSender } from './sender.ts'

const server: DeliveryServer = {
  routes: (backend, settings, drain) => {
    const destinations = destinationsOf(settings)
    const requireConsent = openConsents(destinations, timingAt(settings.timeScale))
    const admit = async (request: TaskRequest): Promise<void> => {
      admitCallback(request, destinations)
      if (request.delivery) await requireConsent(request.delivery.webhook_url)
    }
    return createApi(backend, settings, drain, { callbacks: 'signed', admit })
  },
  notify: (settings) => openSender(settings),
  endpointSecret: (token) => showSecret(endpointKey(token)),
}
export default server

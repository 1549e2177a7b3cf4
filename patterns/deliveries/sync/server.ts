import { createApi } from '../../contract/server/api.ts'
import type { DeliveryServer } from '../../contract/server/delivery-server.ts'

/** The answer to a submission is the finished task, however long that takes; 503 when the node must go first. */
const server: DeliveryServer = {
  routes: (backend, settings, drain) => createApi(backend, settings, drain, { holds: true }),
}
export default server

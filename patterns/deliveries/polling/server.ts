import { createApi } from '../../contract/server/api.ts'
import type { DeliveryServer } from '../../contract/server/delivery-server.ts'

/** The plain task resource: 202 and a status monitor is the contract itself. */
const server: DeliveryServer = { routes: createApi }
export default server

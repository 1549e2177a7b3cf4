import { createApi } from '../../contract/api.ts'
import type { DeliveryServer } from '../../contract/axes.ts'

/** The plain task resource: 202 and a status monitor is the contract itself. */
const server: DeliveryServer = { routes: createApi }
export default server

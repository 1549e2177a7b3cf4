import type { Delivery } from '../../contract/types/delivery.ts'
import { soundResults } from '../../contract/types/promises.ts'

const delivery: Delivery = {
  name: 'webhook',
  summary: 'one POST to the client when the task has ended; no retry',
  promises: soundResults,
  events: false,
  callback: true,
  anyApi: true,
}
export default delivery

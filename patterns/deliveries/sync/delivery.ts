import type { Delivery } from '../../contract/types/delivery.ts'
import { soundResults } from '../../contract/types/promises.ts'

const delivery: Delivery = {
  name: 'sync',
  summary: 'one request, held open until the result',
  promises: soundResults,
  events: false,
  callback: false,
  resubmits: true,
}
export default delivery
